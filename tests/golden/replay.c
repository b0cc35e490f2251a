/* Worked examples of textbooks through a whole replay of the pages model.
 *
 * Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces, ch. 22 ("Beyond Physical
 * Memory: Policies"), figures 22.1 (optimal), 22.2 (FIFO) and 22.5 (LRU): eleven references, three
 * frames.
 * Silberschatz, Galvin and Gagne, Operating System Concepts, 10th edition, 10.4: twenty references,
 * three frames; and Belady's anomaly, figure 10.13.
 */
#include "unit/folder.h"

#include <pagoda/engine.h>

static const char ostep[] = "0 1 2 0 1 3 0 3 1 2 1";
static const char dinosaur[] = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1";
static const char anomaly[] = "1 2 3 4 1 2 5 1 2 3 4 5";

static void set(struct vm_config *c, const char *flag, const char *value)
{
    struct vm_error e;
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        if (!strcmp(o->flag, flag))
            assert_true(vm_config_set(c, o, value, &e));
}

static struct vm_result replay(const char *pages, const char *policy, unsigned nframes)
{
    struct folder f = folder_new();
    struct vm_config c;
    struct vm_result r;
    struct vm_error e = {0};
    char path[256];
    char lines[64];
    snprintf(lines, sizeof lines, "%s", pages);
    for (char *at = lines; *at; at++)
        *at = *at == ' ' ? '\n' : *at; /* the format has a page a line */
    file_write(folder_path(&f, "trace", path), lines, strlen(lines));
    vm_config_init(&c);
    c.memory_bytes = nframes * c.page_bytes;
    set(&c, "model", "pages");
    set(&c, "policy", policy);
    if (!vm_replay(&c, path, &(struct vm_trace_options){.format = "pages"}, NULL, &r, &e))
        fail_msg("%s", e.text);
    folder_remove(&f);
    return r;
}

static uint64_t hits(const char *pages, const char *policy, unsigned nframes)
{
    struct vm_result r = replay(pages, policy, nframes);
    return r.counts.touches - r.counts.faults;
}

static uint64_t faults(const char *pages, const char *policy, unsigned nframes)
{
    return replay(pages, policy, nframes).counts.faults;
}

static void three_easy_pieces(void **unused)
{
    (void)unused;
    assert_int_equal(hits(ostep, "opt", 3), 6);
    assert_int_equal(hits(ostep, "fifo", 3), 4);
    assert_int_equal(hits(ostep, "lru", 3), 6);
    assert_int_equal(replay(ostep, "opt", 3).pages, 4);
}

static void operating_system_concepts(void **unused)
{
    (void)unused;
    assert_int_equal(faults(dinosaur, "fifo", 3), 15);
    assert_int_equal(faults(dinosaur, "opt", 3), 9);
    assert_int_equal(faults(dinosaur, "lru", 3), 12);
}

static void beladys_anomaly(void **unused)
{
    (void)unused;
    assert_int_equal(faults(anomaly, "fifo", 3), 9);
    assert_int_equal(faults(anomaly, "fifo", 4), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_easy_pieces),
        cmocka_unit_test(operating_system_concepts),
        cmocka_unit_test(beladys_anomaly),
    };
    return cmocka_run_group_tests_name("golden_replay", tests, NULL, NULL);
}
