/* records_template.inc.h - the loop over records of one size, stamped for each binary format.
 *
 * Before including it a format defines RECORD_BYTES, RECORD_STATE, a struct that begins with
 * `struct vm_reader reader`, and
 *
 *     static inline bool parse_record(struct RECORD_STATE *s, const uint8_t *record,
 *                                     struct vm_batch_builder *out, struct vm_error *e);
 *
 * which appends what a record says, and RECORD_END(s, e): whether the bytes may end here, after a
 * whole record.
 */
static bool read_records(void *state, struct vm_batch_builder *out, struct vm_error *e)
{
    struct RECORD_STATE *s = state;
    while (!vm_builder_full(out)) {
        size_t n, at = 0;
        const uint8_t *p = vm_bytes_peek(s->reader.bytes, RECORD_BYTES, &n, e);
        if (!p)
            return false;
        if (!n)
            return RECORD_END(s, e);
        s->reader.offset = vm_bytes_offset(s->reader.bytes);
        if (n < RECORD_BYTES)
            return vm_record_cut(&s->reader, n, RECORD_BYTES, e);
        for (; at + RECORD_BYTES <= n && !vm_builder_full(out); at += RECORD_BYTES) {
            if (!parse_record(s, p + at, out, e))
                return false;
            s->reader.offset += RECORD_BYTES;
        }
        vm_bytes_skip(s->reader.bytes, at);
    }
    return true;
}

static void *open_records(struct vm_bytes *bytes, const struct vm_params *params,
                          const struct vm_trace_options *options, struct vm_error *e)
{
    (void)params, (void)options;
    return vm_reader_open(sizeof(struct RECORD_STATE), bytes, e);
}
