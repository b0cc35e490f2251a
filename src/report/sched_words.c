/* sched_words.c - see sched_words.h. */
#include "report/sched_words.h"

const char *const vm_job_event_names[VM_JOB_EVENTS] = {
    [VM_JOB_ARRIVES] = "arrives",     [VM_JOB_RUNS] = "runs",
    [VM_JOB_SLICE_END] = "slice_end", [VM_JOB_PREEMPTED] = "preempted",
    [VM_JOB_BLOCKS] = "blocks",       [VM_JOB_WAKES] = "wakes",
    [VM_JOB_ENDS] = "ends",           [VM_JOB_WARM] = "warm",
    [VM_JOB_TICK] = "tick",           [VM_JOB_ENTERS] = "enters",
    [VM_JOB_EXPELLED] = "expelled",   [VM_JOB_GONE] = "gone",
};

const char *const vm_span_names[] = {
    [VM_SPAN_RUN] = "run", [VM_SPAN_WARM] = "warm", [VM_SPAN_SWITCH] = "switch"};

void vm_span_columns(const struct vm_job_span *span, uint64_t start, uint64_t width, size_t n,
                     void (*each)(void *data, const struct vm_job_span *span, size_t column,
                                  uint64_t time),
                     void *data)
{
    for (uint64_t at = span->start; at < span->end;) {
        size_t column = (size_t)((at - start) / width);
        uint64_t next = start + (column + 1) * width;
        uint64_t end = next < span->end ? next : span->end;
        if (column < n)
            each(data, span, column, end - at);
        at = end;
    }
}

uint64_t vm_column_width(const struct vm_jobs_result *r, size_t columns)
{
    uint64_t time = r->end - r->start, width = (time + columns - 1) / columns;
    return width ? width : 1;
}

char vm_job_mark(uint32_t job)
{
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[job % 52];
}
