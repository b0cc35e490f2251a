/* base_bytes.c - the laws of base/bytes.c and its decoders.
 *
 * The compressed sources are made here with the libraries' one-call compressors.
 */
#include "base/bytes.h"

#include "base/random.h"
#include "folder.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <xxhash.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

struct blob {
    uint8_t *data;
    size_t bytes;
};

/* Text that compresses, different for each seed. */
static struct blob content_new(size_t bytes, uint64_t seed)
{
    struct blob b = {malloc(bytes + 32), bytes};
    struct vm_random random;
    vm_random_seed(&random, seed);
    for (size_t at = 0; at < bytes;)
        at += (size_t)snprintf((char *)b.data + at, 24, " L %08llx,%llu\n",
                               (unsigned long long)vm_random_below(&random, 1 << 20),
                               (unsigned long long)vm_random_below(&random, 9));
    return b;
}

static struct blob joined(struct blob a, struct blob b)
{
    struct blob out = {malloc(a.bytes + b.bytes + 1), a.bytes + b.bytes};
    memcpy(out.data, a.data, a.bytes);
    memcpy(out.data + a.bytes, b.data, b.bytes);
    free(a.data);
    free(b.data);
    return out;
}

static struct blob plain(struct blob in)
{
    struct blob out = {malloc(in.bytes + 1), in.bytes};
    memcpy(out.data, in.data, in.bytes);
    return out;
}

static struct blob gzipped(struct blob in)
{
    struct blob out = {malloc(in.bytes + 1000), in.bytes + 1000};
    z_stream z = {.next_in = in.data,
                  .avail_in = (uInt)in.bytes,
                  .next_out = out.data,
                  .avail_out = (uInt)out.bytes};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.bytes = z.total_out;
    deflateEnd(&z);
    return out;
}

static struct blob xzed(struct blob in)
{
    size_t cap = lzma_stream_buffer_bound(in.bytes), at = 0;
    struct blob out = {malloc(cap), 0};
    assert_int_equal(
        lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, in.data, in.bytes, out.data, &at, cap),
        LZMA_OK);
    out.bytes = at;
    return out;
}

static struct blob zstded(struct blob in)
{
    size_t cap = ZSTD_compressBound(in.bytes);
    struct blob out = {malloc(cap), 0};
    ZSTD_CCtx *z = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    out.bytes = ZSTD_compress2(z, out.data, cap, in.data, in.bytes);
    assert_false(ZSTD_isError(out.bytes));
    ZSTD_freeCCtx(z);
    return out;
}

/* An archive of the content cut into `members`. */
static struct blob zipped_in(struct blob in, size_t members)
{
    zip_error_t why;
    zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, &why);
    zip_t *archive = zip_open_from_source(target, ZIP_TRUNCATE, &why);
    assert_non_null(archive);
    zip_source_keep(target);
    for (size_t i = 0; i < members; i++) {
        char name[32];
        size_t from = in.bytes * i / members, to = in.bytes * (i + 1) / members;
        /* names against the order, so that sorting them would show */
        snprintf(name, sizeof name, "part%zu", members - i);
        zip_source_t *part = zip_source_buffer(archive, in.data + from, to - from, 0);
        assert_true(zip_file_add(archive, name, part, 0) >= 0);
    }
    assert_int_equal(zip_close(archive), 0);
    zip_stat_t stat;
    assert_int_equal(zip_source_stat(target, &stat), 0);
    struct blob out = {malloc(stat.size), stat.size};
    assert_int_equal(zip_source_open(target), 0);
    assert_int_equal(zip_source_read(target, out.data, out.bytes), out.bytes);
    zip_source_close(target);
    zip_source_free(target);
    return out;
}

static struct blob zipped(struct blob in)
{
    return zipped_in(in, 1);
}

static const struct kind {
    const char *name;
    struct blob (*pack)(struct blob);
} kinds[] = {{"plain", plain}, {"gzip", gzipped}, {"xz", xzed}, {"zstd", zstded}, {"zip", zipped}};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* How reading a source to its end went. */
struct outcome {
    struct blob content;
    bool good;
    uint64_t hash;
    struct vm_error error;
};

/* Read all by peeks of `want`, skipping what was shown of that. Closes b; NULL: e says why. */
static struct outcome outcome_of(struct vm_bytes *b, size_t want, const struct vm_error *e)
{
    struct outcome o = {.good = b, .error = *e};
    size_t cap = 0;
    while (o.good) {
        size_t got;
        const uint8_t *at = vm_bytes_peek(b, want, &got, &o.error);
        o.good = at;
        if (!at)
            assert_int_equal(got, 0);
        if (got == 0)
            break;
        size_t some = got < want ? got : want;
        if (o.content.bytes + some > cap)
            o.content.data = realloc(o.content.data, cap = 2 * cap + some);
        memcpy(o.content.data + o.content.bytes, at, some);
        o.content.bytes += some;
        vm_bytes_skip(b, some);
        assert_int_equal(vm_bytes_offset(b), o.content.bytes);
    }
    o.hash = b ? vm_bytes_hash(b) : 0;
    vm_bytes_close(b);
    return o;
}

static struct outcome read_memory(struct blob stored, size_t want)
{
    struct vm_error e = {0};
    return outcome_of(vm_bytes_open_memory(stored.data, stored.bytes, "memory", &e), want, &e);
}

static struct outcome read_path(const char *path, size_t want)
{
    struct vm_error e = {0};
    return outcome_of(vm_bytes_open(path, &e), want, &e);
}

static void assert_reads(struct outcome o, struct blob expected)
{
    if (!o.good)
        fail_msg("%s", o.error.text);
    assert_int_equal(o.content.bytes, expected.bytes);
    if (expected.bytes)
        assert_memory_equal(o.content.data, expected.data, expected.bytes);
    assert_true(o.hash == XXH3_64bits(expected.data, expected.bytes));
    free(o.content.data);
}

static void assert_damaged(struct outcome o, const char *name, const char *part)
{
    assert_false(o.good);
    assert_int_equal(o.error.code, VM_EINPUT);
    assert_memory_equal(o.error.text, name, strlen(name));
    assert_non_null(strstr(o.error.text, part));
    assert_non_null(strstr(o.error.text, "expected"));
    free(o.content.data);
}

static void every_kind_reads_as_its_content_from_a_file_and_from_memory(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 5, 70000, 3000000}, wants[] = {1000, 65536, VM_BYTES_PEEK_MAX};
    struct folder f = folder_new();
    char path[256];
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < 5; i++) {
            struct blob content = content_new(sizes[i], i), stored = kinds[k].pack(content);
            file_write(folder_path(&f, "source", path), stored.data, stored.bytes);
            for (size_t w = 0; w < 3; w++) {
                assert_reads(read_path(path, wants[w]), content);
                assert_reads(read_memory(stored, wants[w]), content);
            }
            free(stored.data);
            free(content.data);
        }
    }
    folder_remove(&f);
}

static void members_one_after_the_other_read_as_one(void **state)
{
    (void)state;
    struct blob (*const packs[])(struct blob) = {gzipped, xzed, zstded};
    for (size_t k = 0; k < 3; k++) {
        struct blob a = content_new(100000, 1), b = content_new(7, 2), c = content_new(0, 3);
        struct blob stored = joined(joined(packs[k](a), packs[k](c)), packs[k](b));
        struct blob content = joined(joined(a, c), b);
        assert_reads(read_memory(stored, 4096), content);
        free(stored.data);
        free(content.data);
    }
}

static void a_zips_members_follow_each_other_in_the_archives_order(void **state)
{
    (void)state;
    struct blob content = content_new(200000, 4), stored = zipped_in(content, 5);
    assert_reads(read_memory(stored, 4096), content);
    free(stored.data);
    static const uint8_t without_members[22] = "PK\5\6";
    assert_reads(read_memory((struct blob){(uint8_t *)without_members, 22}, 10),
                 (struct blob){content.data, 0});
    free(content.data);
}

static void a_zstd_file_may_begin_with_a_skippable_frame(void **state)
{
    (void)state;
    struct blob content = content_new(1000, 5), head = {malloc(12), 12};
    memcpy(head.data, "\x50\x2a\x4d\x18\4\0\0\0abcd", 12);
    struct blob stored = joined(head, zstded(content));
    assert_reads(read_memory(stored, 100), content);
    free(stored.data);
    free(content.data);
}

/* Two bytes are the least that tell a torn compressed source from a short plain one. */
static void a_source_torn_at_any_byte_is_an_error_or_whole(void **state)
{
    (void)state;
    struct blob content = content_new(400, 6);
    for (size_t k = 1; k < KINDS; k++) {
        struct blob stored = kinds[k].pack(content);
        for (size_t cut = 2; cut < stored.bytes; cut++) {
            struct blob torn = {malloc(cut), cut}; /* its own block: reading on would show */
            memcpy(torn.data, stored.data, cut);
            struct outcome o = read_memory(torn, 64);
            if (o.good)
                assert_reads(o, content);
            else
                assert_damaged(o, "memory: ", "");
            free(torn.data);
        }
        free(stored.data);
    }
    free(content.data);
}

static void a_source_with_any_byte_changed_is_an_error_or_whole(void **state)
{
    (void)state;
    struct blob content = content_new(400, 7);
    for (size_t k = 1; k < KINDS; k++) {
        struct blob stored = kinds[k].pack(content);
        for (size_t at = 6; at < stored.bytes; at++) {
            stored.data[at] ^= 0x15;
            struct outcome o = read_memory(stored, 64);
            if (o.good)
                assert_reads(o, content);
            else
                assert_damaged(o, "memory: ", "");
            stored.data[at] ^= 0x15;
        }
        free(stored.data);
    }
    free(content.data);
}

static void damage_is_reported_with_name_byte_and_what_was_wrong(void **state)
{
    (void)state;
    struct folder f = folder_new();
    char path[256];
    struct blob content = content_new(5000, 8);
    static const char *const end[] = {
        "the gzip data end within a member: expected the rest",
        "the xz data end within a stream: expected the rest",
        "the zstd data end within a frame: expected the rest",
        "cannot be read as a zip archive",
    };
    for (size_t k = 1; k < KINDS; k++) {
        struct blob stored = kinds[k].pack(content);
        char where[64];
        snprintf(where, sizeof where, "byte %zu: %s", stored.bytes - 9, end[k - 1]);
        file_write(folder_path(&f, "torn", path), stored.data, stored.bytes - 9);
        assert_damaged(read_path(path, 65536), path, k < 4 ? where : end[k - 1]);
        free(stored.data);
    }
    free(content.data);
    folder_remove(&f);
}

static void after_damage_every_peek_fails_alike(void **state)
{
    (void)state;
    struct blob content = content_new(5000, 9), stored = gzipped(content);
    struct vm_error e, again;
    size_t got;
    struct vm_bytes *b = vm_bytes_open_memory(stored.data, stored.bytes - 9, "torn.gz", &e);
    assert_non_null(b);
    assert_null(vm_bytes_peek(b, VM_BYTES_PEEK_MAX, &got, &e));
    assert_null(vm_bytes_peek(b, VM_BYTES_PEEK_MAX, &got, &again));
    assert_string_equal(again.text, e.text);
    vm_bytes_close(b);
    free(stored.data);
    free(content.data);
}

static void what_follows_the_compressed_data_is_an_error(void **state)
{
    (void)state;
    struct blob (*const packs[])(struct blob) = {gzipped, xzed, zstded};
    for (size_t k = 0; k < 3; k++) {
        struct blob content = content_new(300, 10), tail = content_new(40, 11);
        struct blob stored = joined(packs[k](content), tail);
        assert_damaged(read_memory(stored, 64), "memory: byte ", "");
        free(stored.data);
        free(content.data);
    }
}

static void zeros_after_gzip_and_xz_data_are_padding(void **state)
{
    (void)state;
    struct blob (*const packs[])(struct blob) = {gzipped, xzed};
    for (size_t k = 0; k < 2; k++) {
        struct blob content = content_new(300, 12), zeros = {calloc(1, 512), 512};
        struct blob stored = joined(packs[k](content), zeros);
        assert_reads(read_memory(stored, 64), content);
        free(stored.data);
        free(content.data);
    }
}

static void a_peek_shows_what_was_asked_for_and_stays(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    struct vm_random random;
    char path[256];
    struct blob content = content_new(6000000, 13), stored = zstded(content);
    vm_random_seed(&random, 13);
    file_write(folder_path(&f, "plain", path), content.data, content.bytes);
    struct vm_bytes *source[] = {
        vm_bytes_open(path, &e),
        vm_bytes_open_memory(stored.data, stored.bytes, "zstd", &e),
        vm_bytes_open_memory(content.data, content.bytes, "memory", &e),
    };
    for (size_t i = 0; i < 3; i++) {
        for (size_t at = 0; at < content.bytes;) {
            size_t want =
                vm_random_below(&random, VM_BYTES_PEEK_MAX >> vm_random_below(&random, 20)) + 1;
            size_t rest = content.bytes - at, got = 0;
            const uint8_t *seen = vm_bytes_peek(source[i], want, &got, &e);
            assert_true(seen && got >= (want < rest ? want : rest) && got <= rest);
            assert_memory_equal(seen, content.data + at, want < got ? want : got);
            size_t some = vm_random_below(&random, got + 1);
            vm_bytes_skip(source[i], some);
            at += some;
            if (some == got && vm_random_below(&random, 4) == 0) {
                assert_true(vm_bytes_hash(source[i]) == XXH3_64bits(content.data, at));
            }
        }
        assert_true(vm_bytes_hash(source[i]) == XXH3_64bits(content.data, content.bytes));
        vm_bytes_close(source[i]);
    }
    free(stored.data);
    free(content.data);
    folder_remove(&f);
}

static void seeking_goes_where_it_says(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    struct vm_random random;
    char path[256];
    struct blob content = content_new(3000000, 14);
    vm_random_seed(&random, 14);
    file_write(folder_path(&f, "plain", path), content.data, content.bytes);
    struct vm_bytes *source[] = {
        vm_bytes_open(path, &e),
        vm_bytes_open_memory(content.data, content.bytes, "memory", &e),
    };
    for (size_t i = 0; i < 2; i++) {
        assert_true(vm_bytes_seekable(source[i]));
        assert_int_equal(vm_bytes_size(source[i]), content.bytes);
        for (int step = 0; step < 300; step++) {
            size_t got, at = vm_random_below(&random, content.bytes + 1), rest = content.bytes - at;
            size_t want = vm_random_below(&random, 100000);
            assert_true(vm_bytes_seek(source[i], at, &e));
            assert_int_equal(vm_bytes_offset(source[i]), at);
            const uint8_t *seen = vm_bytes_peek(source[i], want, &got, &e);
            assert_true(seen && got >= (want < rest ? want : rest) && got <= rest);
            assert_memory_equal(seen, content.data + at, want < got ? want : got);
            vm_bytes_skip(source[i], got / 2);
            assert_int_equal(vm_bytes_offset(source[i]), at + got / 2);
        }
        assert_false(vm_bytes_seek(source[i], content.bytes + 1, &e));
        assert_int_equal(e.code, VM_EINPUT);
        vm_bytes_close(source[i]);
    }
    free(content.data);
    folder_remove(&f);
}

static void the_hash_of_a_source_that_was_seeked_is_of_what_was_read(void **state)
{
    (void)state;
    struct vm_error e;
    size_t got;
    struct vm_bytes *b = vm_bytes_open_memory("0123456789", 10, "memory", &e);
    assert_non_null(b);
    assert_non_null(vm_bytes_peek(b, 3, &got, &e));
    vm_bytes_skip(b, 3);
    assert_true(vm_bytes_seek(b, 7, &e));
    assert_non_null(vm_bytes_peek(b, 2, &got, &e));
    vm_bytes_skip(b, 2);
    assert_true(vm_bytes_hash(b) == XXH3_64bits("01278", 5));
    vm_bytes_close(b);
}

static void compressed_sources_are_not_seekable_but_tell_their_progress(void **state)
{
    (void)state;
    struct blob content = content_new(3000000, 15);
    for (size_t k = 0; k < KINDS; k++) {
        struct vm_error e;
        struct blob stored = kinds[k].pack(content);
        struct vm_bytes *b = vm_bytes_open_memory(stored.data, stored.bytes, "memory", &e);
        uint64_t done = 0, all = 0, before = 0;
        size_t got = 1;
        assert_non_null(b);
        assert_int_equal(vm_bytes_seekable(b), k == 0);
        assert_int_equal(vm_bytes_size(b), k == 0 ? content.bytes : 0);
        while (got) {
            assert_non_null(vm_bytes_peek(b, 65536, &got, &e));
            vm_bytes_skip(b, got < 65536 ? got : 65536);
            vm_bytes_progress(b, &done, &all);
            assert_true(before <= done && done <= all);
            before = done;
        }
        assert_int_equal(all, stored.bytes);
        assert_true(done > all / 2);
        vm_bytes_close(b);
        free(stored.data);
    }
    free(content.data);
}

/* Run `read_all` of a child's output on standard input: the child writes piece by piece. */
static struct outcome read_standard_input(struct blob stored, size_t piece)
{
    int pipe_ends[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (size_t at = 0; at < stored.bytes; at += piece) {
            size_t some = stored.bytes - at < piece ? stored.bytes - at : piece;
            if (write(pipe_ends[1], stored.data + at, some) != (ssize_t)some)
                _exit(1);
        }
        _exit(0);
    }
    close(pipe_ends[1]);
    dup2(pipe_ends[0], STDIN_FILENO);
    close(pipe_ends[0]);
    struct outcome o = read_path("-", 5000);
    dup2(kept, STDIN_FILENO);
    close(kept);
    return o;
}

static void a_pipe_on_standard_input_reads_whatever_its_pieces(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 3, 4096};
    struct blob content = content_new(20000, 16);
    for (size_t k = 0; k < KINDS - 1; k++) {
        struct blob stored = kinds[k].pack(content);
        for (size_t p = 0; p < 3; p++)
            assert_reads(read_standard_input(stored, pieces[p]), content);
        free(stored.data);
    }
    struct blob stored = zipped(content);
    assert_damaged(read_standard_input(stored, 4096),
                   "standard input: ", "a zip archive on a pipe: expected a file");
    free(stored.data);
    free(content.data);
}

static void what_cannot_be_opened_is_an_error_of_the_system(void **state)
{
    (void)state;
    struct folder f = folder_new();
    char path[256];
    struct outcome o = read_path(folder_path(&f, "missing", path), 10);
    assert_false(o.good);
    assert_int_equal(o.error.code, VM_ESYSTEM);
    assert_memory_equal(o.error.text, path, strlen(path));
    o = read_path(f.path, 10);
    assert_false(o.good);
    assert_int_equal(o.error.code, VM_ESYSTEM);
    assert_non_null(strstr(o.error.text, "is a directory"));
    folder_remove(&f);
}

static void a_file_that_shrinks_while_it_is_read_is_an_error(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    size_t got;
    struct blob content = content_new(2000000, 17);
    file_write(folder_path(&f, "plain", path), content.data, content.bytes);
    struct vm_bytes *b = vm_bytes_open(path, &e);
    assert_non_null(b);
    assert_int_equal(truncate(path, 1000000), 0);
    assert_non_null(vm_bytes_peek(b, 900000, &got, &e));
    vm_bytes_skip(b, 900000);
    assert_null(vm_bytes_peek(b, 900000, &got, &e));
    assert_int_equal(e.code, VM_EINPUT);
    assert_non_null(strstr(e.text, "byte 1000000: the file ends: expected 2000000 bytes"));
    vm_bytes_close(b);
    free(content.data);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_reads_as_its_content_from_a_file_and_from_memory),
        cmocka_unit_test(members_one_after_the_other_read_as_one),
        cmocka_unit_test(a_zips_members_follow_each_other_in_the_archives_order),
        cmocka_unit_test(a_zstd_file_may_begin_with_a_skippable_frame),
        cmocka_unit_test(a_source_torn_at_any_byte_is_an_error_or_whole),
        cmocka_unit_test(a_source_with_any_byte_changed_is_an_error_or_whole),
        cmocka_unit_test(damage_is_reported_with_name_byte_and_what_was_wrong),
        cmocka_unit_test(after_damage_every_peek_fails_alike),
        cmocka_unit_test(what_follows_the_compressed_data_is_an_error),
        cmocka_unit_test(zeros_after_gzip_and_xz_data_are_padding),
        cmocka_unit_test(a_peek_shows_what_was_asked_for_and_stays),
        cmocka_unit_test(seeking_goes_where_it_says),
        cmocka_unit_test(the_hash_of_a_source_that_was_seeked_is_of_what_was_read),
        cmocka_unit_test(compressed_sources_are_not_seekable_but_tell_their_progress),
        cmocka_unit_test(a_pipe_on_standard_input_reads_whatever_its_pieces),
        cmocka_unit_test(what_cannot_be_opened_is_an_error_of_the_system),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_read_is_an_error),
    };
    return cmocka_run_group_tests_name("base_bytes", tests, NULL, NULL);
}
