/* proc.h - text that the kernel makes up, and who writes which of it. */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel/kernel.h"

/* A text that grows. */
struct text {
    char *bytes; /* the caller's at the end */
    size_t n;
    bool failed; /* no memory */
};
void vm_text_say(struct text *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vm_text_add(struct text *x, const void *bytes, size_t n);

#define PROC_SYSTEM(name)  void vm_proc_##name(struct kernel *k, struct text *x);
#define PROC_PROCESS(name) void vm_proc_##name(struct kernel *k, struct process *p, struct text *x);
#include "kernel/proc.def"

/* Which processors there are, as /sys/devices/system/cpu has it: "0-3". */
void vm_proc_cpus(struct kernel *k, struct text *x);
/* Frames that hold something. */
uint64_t vm_proc_frames_used(const struct kernel *k);

#endif
