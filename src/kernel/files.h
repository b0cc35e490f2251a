/* files.h - what the parts of the kernel that are about files know of each other: inodes, open
 * files, names, and the kinds of files. kernel.h, which brings it, has the rest.
 *
 * An open file is what descriptors lead to, with an offset and a kind (struct file_ops). A regular
 * one leads to an inode, which all who have the same file of the host open share: its pages are in
 * the machine's page cache.
 */
#ifndef KERNEL_FILES_H
#define KERNEL_FILES_H

#include "kernel/kernel.h"

/* ---- inode.c ---- */

/* A file whose pages are in the page cache: the host's, or an anonymous one. */
struct inode {
    uint32_t users;  /* open files, spaces, callers; mappings are found in the spaces */
    uint32_t number; /* as map events name it; 1 and up */
    int host_fd;     /* -1: anonymous, what was written back of it is in `chunk` */
    bool writable;   /* host_fd is */
    uint64_t device, host_number; /* by which the host knows it */
    uint64_t size;
    uint8_t **chunk; /* [nchunks] of an anonymous one, 1 MiB each; NULL: zeros */
    uint64_t nchunks;
    vm_va window; /* where the kernel's own space maps it, from its beginning; 0: nowhere */
    uint64_t window_bytes;
    char *path; /* of programs */
    struct inode *next;
};

bool vm_inodes_open(struct kernel *k, struct vm_error *e);
void vm_inodes_close(struct kernel *k);
/* No frame has a page of a file any more. */
void vm_inodes_drop(struct kernel *k);
/* The program file at `path`, from `t`'s directory. 0 or -errno. */
int64_t vm_inode_open(struct kernel *k, struct thread *t, const char *path, struct inode **out);
/* The inode of a regular file of the host, which has `host_fd` from now on. NULL: no memory. */
struct inode *vm_inode_of_host(struct kernel *k, int host_fd, bool writable, const char *path);
/* The page of instructions that return from a handler. */
struct inode *vm_files_trampoline(struct kernel *k);
struct inode *vm_inode_anonymous(struct kernel *k, uint64_t bytes); /* NULL: no memory */
struct inode *vm_inode_by_number(struct kernel *k, uint32_t number);
/* The one that the host knows by these, if it is open; NULL. */
struct inode *vm_inode_by_host(struct kernel *k, uint64_t device, uint64_t host_number);
void vm_inode_hold(struct inode *i);
void vm_inode_release(struct kernel *k, struct inode *i);
/* Bytes of it through the page cache: how many, or -errno. */
int64_t vm_inode_read(struct kernel *k, struct inode *i, uint64_t offset, void *out, uint64_t n);
int64_t vm_inode_write(struct kernel *k, struct inode *i, uint64_t offset, const void *from,
                       uint64_t n);
void vm_inode_sync(struct kernel *k, struct inode *i); /* what was written is in the host's file */
int64_t vm_inode_truncate(struct kernel *k, struct inode *i, uint64_t size);

/* ---- file.c: open files and descriptors ---- */

struct stat;
/* A kind of open file. Bodies answer bytes or -errno, or CALL_SLEEPS after vm_thread_sleep. */
struct file_ops {
    const char *name;
    int64_t (*read)(struct kernel *k, struct thread *t, struct open_file *f, void *out, uint64_t n);
    int64_t (*write)(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                     uint64_t n);
    unsigned (*ready)(struct kernel *k, struct open_file *f);             /* POLLIN, POLLOUT, ... */
    int (*stat)(struct kernel *k, struct open_file *f, struct stat *out); /* 0 or -errno */
    int64_t (*ioctl)(struct kernel *k, struct thread *t, struct open_file *f, uint64_t request,
                     vm_va at);
    void (*close)(struct kernel *k, struct open_file *f);
};
extern const struct file_ops vm_file_regular, vm_file_directory, vm_file_pipe_reader,
    vm_file_pipe_writer, vm_file_pipe_both, vm_file_host, vm_file_null, vm_file_zero, vm_file_full,
    vm_file_random, vm_file_text, vm_file_listing;

struct open_file {
    uint32_t users;
    const struct file_ops *ops;
    int flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK */
    uint64_t offset;
    struct inode *inode; /* regular */
    struct pipe *pipe;
    void *own;      /* of kinds with a state of their own */
    uint64_t stirs; /* how often something has happened to it that could make it ready */
    int host_fd;    /* a directory, a stream of the host; -1 */
    char *path;     /* of programs; NULL: it has none */
    char *text;     /* vm_file_text: [size] */
    uint64_t size;
};

/* NULL: no memory. The file has no user yet. */
struct open_file *vm_open_file_new(const struct file_ops *ops, int flags, const char *path);
uint64_t vm_file_stirs(const struct open_file *f); /* its own, or its pipe's */
void vm_open_file_discard(struct open_file *f);    /* which nothing has come of */
void vm_open_file_hold(struct open_file *f);
void vm_open_file_release(struct kernel *k, struct open_file *f);
/* What the kinds that lack an op answer. */
int64_t vm_file_no_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                        uint64_t n); /* -EBADF */
int64_t vm_file_no_write(struct kernel *k, struct thread *t, struct open_file *f, const void *from,
                         uint64_t n); /* -EBADF */
int64_t vm_file_no_ioctl(struct kernel *k, struct thread *t, struct open_file *f, uint64_t request,
                         vm_va at); /* -ENOTTY */
int64_t vm_file_wrong_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                           uint64_t n); /* -EINVAL */
int64_t vm_file_wrong_write(struct kernel *k, struct thread *t, struct open_file *f,
                            const void *from, uint64_t n); /* -EINVAL */
int64_t vm_file_directory_read(struct kernel *k, struct thread *t, struct open_file *f, void *out,
                               uint64_t n); /* -EISDIR */
/* Of what has no name and no kind that stat knows. */
int vm_file_nameless_stat(struct kernel *k, struct open_file *f, struct stat *out);
void vm_file_close_nothing(struct kernel *k, struct open_file *f);
unsigned vm_file_always_ready(struct kernel *k, struct open_file *f);

#define VM_TRANSFER_MAX UINT64_C(0x7ffff000) /* bytes that one call moves: Linux's MAX_RW_COUNT */
bool vm_file_may_write(const struct open_file *f);
bool vm_file_is_directory(const struct open_file *f);

struct fd_table *vm_fd_table_new(struct kernel *k); /* standard streams are the host's */
struct fd_table *vm_fd_table_copy(struct kernel *k, const struct fd_table *from);
/* The process has one of its own. False: no memory. */
bool vm_fd_table_unshare(struct kernel *k, struct process *p);
void vm_fd_table_leave(struct kernel *k, struct fd_table *table);
void vm_fd_table_exec(struct kernel *k, struct fd_table *table);   /* close_on_exec */
struct open_file *vm_fd_file(const struct thread *t, uint64_t fd); /* NULL: not open */
/* The lowest free descriptor from `least` on; the table is a user of `f`. Or -EMFILE. */
int64_t vm_fd_install(struct thread *t, struct open_file *f, int least, bool close_on_exec);
/* The same of a file that has no user yet, and ends if there is no descriptor for it. */
int64_t vm_fd_give(struct kernel *k, struct thread *t, struct open_file *f, bool close_on_exec);
int64_t vm_fd_close(struct kernel *k, struct thread *t, uint64_t fd);
/* The inode that descriptor `fd` has open, for a mapping with these rights; NULL: *error. */
struct inode *vm_fd_inode(struct kernel *k, struct thread *t, int fd, unsigned prot, bool shared,
                          int64_t *error);

/* ---- proc.c ---- */

/* A file of /proc; NULL and *error 0: that is none. */
struct open_file *vm_proc_open(struct kernel *k, struct thread *t, const char *path, int flags,
                               int64_t *error);
/* What a link of /proc says. 0; -ENOENT: no such name; -EINVAL: no link. */
int64_t vm_proc_link(struct kernel *k, struct thread *t, const char *path, char out[PATH_BYTES]);
/* Entries of a directory that was made up, as getdents64 wants them: bytes, or -EINVAL. */
int64_t vm_listing_read(struct open_file *f, void *out, uint64_t n);

bool vm_files_open(struct kernel *k, struct vm_error *e);
void vm_files_close(struct kernel *k);
void vm_files_sync(struct kernel *k); /* what was written is in the host's files */

/* ---- call_lock.c ---- */

/* A descriptor of `f` is closed: what its process had locked of that file is free. */
void vm_locks_closed(struct kernel *k, const struct fd_table *table, struct open_file *f);
/* A table, or an open file, ends: likewise all that it had. */
void vm_locks_of(struct kernel *k, const void *owner);
/* fcntl's commands on locks. */
int64_t vm_lock_fcntl(struct kernel *k, struct thread *t, struct open_file *f, const uint64_t *a);

/* ---- call_pidfd.c ---- */

/* The number of the process that the descriptor is of; -EBADF. */
int64_t vm_pidfd_process(const struct thread *t, uint64_t fd);

/* ---- socket.c ---- */

/* What no process has, at the end. */
void vm_sockets_close(struct kernel *k);

/* ---- call_epoll.c ---- */

/* The open file ends: nobody waits for it any more. */
void vm_epolls_forget(struct kernel *k, const struct open_file *f);

/* ---- pipe.c ---- */

/* Both ends, with no user yet. 0 or -errno. */
int64_t vm_pipe_open(struct kernel *k, int flags, struct open_file **reader,
                     struct open_file **writer);
/* The end that the flags say of the pipe *of, of a new one where there is none. NULL: no memory. */
struct open_file *vm_pipe_attach(struct kernel *k, struct pipe **of, int flags, const char *path);
uint64_t vm_pipe_stirs(const struct pipe *p);
uint32_t vm_pipe_number(const struct pipe *p);
uint64_t vm_pipe_filled(const struct open_file *f); /* bytes that can be read */
uint64_t vm_pipe_room(const struct open_file *f);   /* that can be written */
uint32_t vm_pipe_readers(const struct pipe *p);
uint32_t vm_pipe_writers(const struct pipe *p);
/* The first n bytes, which stay; the first n bytes go. There are so many. */
void vm_pipe_peek(const struct open_file *f, void *out, uint64_t n);
void vm_pipe_drop(struct kernel *k, struct open_file *f, uint64_t n);

/* ---- fifo.c ---- */

/* The end that the flags say of the named pipe that the host's descriptor is of, which is the open
 * file's from now on, or closed. 0; -errno; CALL_SLEEPS. */
int64_t vm_fifo_open(struct kernel *k, struct thread *t, int host_fd, int flags, const char *path,
                     struct open_file **out);
/* The thread waits no longer with an end that it has opened. */
void vm_fifo_give_up(struct kernel *k, struct thread *t);
void vm_fifos_close(struct kernel *k);

/* ---- stream.c ---- */

bool vm_streams_open(struct kernel *k, struct vm_error *e);
void vm_streams_close(struct kernel *k);
struct open_file *vm_stream_open(int host_fd, int flags);
/* Sleepers that wait for the host: wait for any of what they wait for, no longer than the time that
 * can pass idly. False: nobody waits for the host, or nothing came. */
bool vm_files_poll(struct kernel *k, uint64_t most_ns);
/* Some file may be ready that was not: whoever polls looks again. */
void vm_files_changed(struct kernel *k);
const void *vm_files_channel(const struct kernel *k);      /* where pollers sleep */
const void *vm_files_host_channel(const struct kernel *k); /* where they do who need the host */

/* ---- terminal.c ---- */

bool vm_terminal_open(struct kernel *k, struct vm_error *e);
void vm_terminal_close(struct kernel *k);
/* A descriptor of the host that can be read when the terminal has sent a signal; -1: none. */
int vm_terminal_kept(const struct kernel *k);
/* Those signals go to the foreground group. */
void vm_terminal_interrupts(struct kernel *k);
/* 0, or what a read of the terminal by this thread answers: it is in the background. */
int64_t vm_terminal_may_read(struct kernel *k, struct thread *t);
int64_t vm_terminal_ioctl(struct kernel *k, struct thread *t, int fd, uint64_t request, vm_va at);

/* ---- path.c ---- */

/* The path of programs that `path` means from directory descriptor `at`: absolute, with no "." and
 * no "//"; ".." stay where links may be. 0 or -errno. */
int64_t vm_path_absolute(struct kernel *k, struct thread *t, int64_t at, const char *path,
                         char out[PATH_BYTES]);
/* Open it on the host, below the root: a descriptor, or -errno. */
int vm_path_host(struct kernel *k, const char *absolute, int flags, unsigned mode);
/* walk.c: the same by hand. */
int vm_path_walk(int root_fd, const char *absolute, int flags, unsigned mode);
/* The host's descriptor of the directory that it is in, below the root, and its last component. */
int vm_path_parent(struct kernel *k, const char *absolute, const char **last);
/* A file that is no file of the host, /dev/null and the like: NULL and *error 0 where it is one. */
struct open_file *vm_path_special(struct kernel *k, struct thread *t, const char *absolute,
                                  int flags, int64_t *error);
/* The name is of a device, or of the host's kernel (/dev, /proc, /sys), by itself or by the file
 * system that its directory is on: no program may change it, --writable or not. */
bool vm_path_is_kept(const struct kernel *k, const char *absolute, int directory_fd);
int64_t vm_path_open(struct kernel *k, struct thread *t, const char *absolute, int flags,
                     unsigned mode, struct open_file **out);

#endif
