/* presets.c - the machine descriptions of machines/, which the build puts into the program. */
#include "cli/cli.h"

#include <string.h>

static const struct preset presets[] = {
#include "presets.inc.h"
};

const struct preset *preset_at(size_t i)
{
    return i < sizeof presets / sizeof presets[0] ? &presets[i] : NULL;
}

const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; preset_at(i); i++)
        if (!strcmp(presets[i].name, name))
            return &presets[i];
    return NULL;
}

const char *preset_summary(const struct preset *p, char *out, size_t cap)
{
    const char *text = p->text;
    while (*text == ';' || *text == ' ')
        text++;
    snprintf(out, cap, "%.*s", (int)strcspn(text, "\n"), text);
    return out;
}
