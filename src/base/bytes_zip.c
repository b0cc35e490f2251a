/* bytes_zip.c - a zip archive's members, one after the other in the archive's order, by libzip.
 *
 * The directory of an archive is at its end, so that a source that cannot be read twice is refused.
 * Memory or the already open file is read, never the path again: it may name another file by now.
 */
#include "base/bytes_codec.h"

#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

struct zip_members {
    zip_t *archive;
    zip_file_t *member; /* being read, or NULL */
    struct vm_stored *stored;
    int64_t next, n;       /* member numbers */
    zip_stat_t stat;       /* of the member being read */
    uint64_t member_bytes; /* read of it */
    uint64_t stored_bytes; /* of the members before it, compressed */
};

static bool archive_fail(const struct vm_stored *s, zip_error_t *why, struct vm_error *e)
{
    return vm_fail(e, VM_EINPUT, "%s: cannot be read as a zip archive: %s: expected a whole one",
                   s->name, zip_error_strerror(why));
}

static zip_t *archive_open_memory(const struct vm_stored *s, struct vm_error *e)
{
    zip_error_t why;
    zip_error_init(&why);
    zip_t *archive = NULL;
    zip_source_t *source = zip_source_buffer_create(s->next, s->left, 0, &why);
    if (source)
        archive = zip_open_from_source(source, ZIP_RDONLY, &why);
    if (!archive) {
        archive_fail(s, &why, e);
        zip_source_free(source);
    }
    zip_error_fini(&why);
    return archive;
}

static zip_t *archive_open_file(const struct vm_stored *s, struct vm_error *e)
{
    int code = ZIP_ER_OPEN, file = dup(s->file); /* libzip closes what it is given */
    zip_t *archive = file < 0 ? NULL : zip_fdopen(file, 0, &code);
    if (archive)
        return archive;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    archive_fail(s, &why, e);
    zip_error_fini(&why);
    if (file >= 0)
        close(file);
    return NULL;
}

static void *members_open(struct vm_stored *stored, struct vm_error *e)
{
    if (!stored->regular) {
        vm_fail(e, VM_EINPUT,
                "%s: a zip archive on a pipe: expected a file, as the archive's "
                "directory is at its end",
                stored->name);
        return NULL;
    }
    zip_t *archive =
        stored->file < 0 ? archive_open_memory(stored, e) : archive_open_file(stored, e);
    if (!archive)
        return NULL;
    struct zip_members *m = calloc(1, sizeof *m);
    if (!m) {
        zip_discard(archive);
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for reading a zip archive", stored->name);
        return NULL;
    }
    m->archive = archive;
    m->stored = stored;
    m->n = zip_get_num_entries(archive, 0);
    return m;
}

static void members_close(void *state)
{
    struct zip_members *m = state;
    if (m->member)
        zip_fclose(m->member);
    zip_discard(m->archive);
    free(m);
}

static bool member_fail(const struct zip_members *m, zip_error_t *why, struct vm_error *e)
{
    return vm_fail(e, VM_EINPUT, "%s: byte %llu of member \"%s\": %s: expected an intact member",
                   m->stored->name, (unsigned long long)m->member_bytes,
                   m->stat.name ? m->stat.name : "?", zip_error_strerror(why));
}

static bool member_begin(struct zip_members *m, struct vm_error *e)
{
    zip_uint64_t i = (zip_uint64_t)m->next;
    m->member_bytes = 0;
    m->stat = (zip_stat_t){0};
    if (zip_stat_index(m->archive, i, 0, &m->stat) != 0)
        return member_fail(m, zip_get_error(m->archive), e);
    m->member = zip_fopen_index(m->archive, i, 0);
    if (!m->member)
        return member_fail(m, zip_get_error(m->archive), e);
    m->next++;
    return true;
}

static void member_end(struct zip_members *m)
{
    zip_fclose(m->member);
    m->member = NULL;
    m->stored_bytes += m->stat.comp_size;
}

/* The window is libzip's: say how far in the archive it must be by now. */
static void progress_set(struct zip_members *m)
{
    double part = m->stat.size ? (double)m->member_bytes / (double)m->stat.size : 1;
    m->stored->left = 0;
    m->stored->bytes_read = m->stored_bytes;
    if (m->member)
        m->stored->bytes_read += (uint64_t)(part * (double)m->stat.comp_size);
}

static bool members_read(void *state, uint8_t *out, size_t cap, size_t *got, struct vm_error *e)
{
    struct zip_members *m = state;
    for (*got = 0; *got == 0;) {
        if (!m->member && m->next == m->n)
            break;
        if (!m->member && !member_begin(m, e))
            return false;
        zip_int64_t n = zip_fread(m->member, out, cap);
        if (n < 0)
            return member_fail(m, zip_file_get_error(m->member), e);
        *got = (size_t)n;
        m->member_bytes += *got;
        if (n == 0)
            member_end(m);
    }
    progress_set(m);
    return true;
}

const struct vm_codec_ops vm_codec_zip = {
    .magic = {"PK\3\4", "PK\5\6"}, /* the second: an archive without members */
    .open = members_open,
    .read = members_read,
    .close = members_close,
};
