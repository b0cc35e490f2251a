/* call_pidfd.c - processes as open files: a descriptor that means a process for as long as it is
 * open, though the process may end meanwhile. It is ready when the process has ended.
 *
 * Numbers of processes are not given twice in a run, so that the number is enough to keep.
 *
 * Source: Linux, pidfd_open(2), pidfd_send_signal(2), waitid(2).
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static unsigned has_ended(struct kernel *k, struct open_file *f)
{
    const struct process *p = vm_process_find(k, (uint32_t)f->offset);
    return p && p->threads ? 0 : POLLIN | (p ? 0 : POLLHUP);
}

/* Its offset is the process's number. */
static const struct file_ops process_ops = {
    .name = "pidfd",
    .read = vm_file_wrong_read,
    .write = vm_file_wrong_write,
    .ready = has_ended,
    .stat = vm_file_nameless_stat,
    .ioctl = vm_file_no_ioctl,
    .close = vm_file_close_nothing,
};

int64_t vm_call_pidfd_open(struct kernel *k, struct thread *t, const uint64_t *a)
{
    if ((int32_t)a[0] <= 0 || (a[1] & ~(uint64_t)O_NONBLOCK))
        return -EINVAL;
    if (!vm_process_find(k, (uint32_t)a[0]))
        return vm_thread_find(k, (uint32_t)a[0]) ? -EINVAL : -ESRCH;
    struct open_file *f = vm_open_file_new(&process_ops, O_RDWR | (int)a[1], "anon_inode:[pidfd]");
    if (!f)
        return -ENOMEM;
    f->offset = (uint32_t)a[0];
    return vm_fd_give(k, t, f, true);
}

int64_t vm_pidfd_process(const struct thread *t, uint64_t fd)
{
    const struct open_file *f = vm_fd_file(t, fd);
    return !f || f->ops != &process_ops ? -EBADF : (int64_t)f->offset;
}

int64_t vm_call_pidfd_send_signal(struct kernel *k, struct thread *t, const uint64_t *a)
{
    int64_t pid = vm_pidfd_process(t, a[0]);
    struct signal_info info = {.signal = (int)a[1], .code = SI_USER, .from.pid = t->process->pid};
    if (a[3])
        return -EINVAL;
    if (pid < 0)
        return pid;
    if (a[2] && vm_user_read(k, t, &info, a[2], sizeof info))
        return -EFAULT;
    if (a[2] && info.signal != (int)a[1])
        return -EINVAL;
    if (a[2] && (info.code >= 0 || info.code == SI_TKILL) && pid != t->process->pid)
        return -EPERM;
    struct process *p = vm_process_find(k, (uint32_t)pid);
    if (!p || a[1] > NSIGNALS)
        return p ? -EINVAL : -ESRCH;
    return a[1] ? vm_signal_post(k, p, &info) : 0;
}
