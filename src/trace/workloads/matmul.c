/* matmul.c - C = A * B for matrices of n x n doubles: the same sums, in two orders of the loops.
 *
 *      order=column                              order=row
 *      for i, for j:                             for i, for k:
 *          for k: sum += A[i][k] * B[k][j]           a = A[i][k]
 *          C[i][j] = sum                             for j: C[i][j] += a * B[k][j]
 *
 * By columns, each step down B is n doubles further: with n >= 512 on another page. By rows it is
 * the next double. sum and a are in registers; every other operand is a reference, so that a
 * product makes n^2 (2n + 1) of them by columns and n^2 (3n + 1) by rows. C begins as zeros that
 * nobody writes here. The matrices are stored by rows, one after the other, each at the start of a
 * page.
 *
 * Source: Bryant and O'Hallaron, Computer Systems: A Programmer's Perspective, 3rd edition, section
 * 6.6.2 ("Rearranging Loops to Increase Spatial Locality"): versions ijk and ikj.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {"refs", VM_PARAM_COUNT, "0", 0, 1e15, NULL, "references in all; 0: one product"},
    {"n", VM_PARAM_COUNT, "64", 1, 65536, NULL, "rows and columns"},
    {"order", VM_PARAM_WORD, "column", 0, 0, "column|row", "how the inner loop goes through B"},
    {WORKLOAD_BASE},
};

enum order { ORDER_COLUMN, ORDER_ROW };
enum step { STEP_A, STEP_B, STEP_C_READ, STEP_C_WRITE };

struct pattern {
    uint64_t n, i, j, k;
    uint64_t matrix_bytes; /* from one matrix to the next */
    enum order order;
    enum step step;
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)e;
    uint64_t n = vm_params_count(params, "n"), page = WORKLOAD_PAGE_BYTES;
    p->n = n;
    p->matrix_bytes = (n * n * sizeof(double) + page - 1) / page * page;
    p->order = (enum order)vm_params_count(params, "order");
    if (c->refs == 0)
        c->refs = n * n * ((p->order == ORDER_COLUMN ? 2 : 3) * n + 1);
    return true;
}

static inline struct workload_ref element(const struct pattern *p, const struct workload_common *c,
                                          unsigned matrix, uint64_t row, uint64_t column,
                                          enum vm_access access)
{
    uint64_t offset = matrix * p->matrix_bytes + (row * p->n + column) * sizeof(double);
    return (struct workload_ref){c->base + offset, access};
}

/* Count one of the loops' variables up; true when its loop is over. */
static inline bool loop_ends(uint64_t *index, uint64_t n)
{
    if (++*index < n)
        return false;
    *index = 0;
    return true;
}

static struct workload_ref next_by_column(struct pattern *p, const struct workload_common *c)
{
    struct workload_ref ref;
    switch (p->step) {
    case STEP_A:
        p->step = STEP_B;
        return element(p, c, 0, p->i, p->k, VM_READ);
    case STEP_B:
        ref = element(p, c, 1, p->k, p->j, VM_READ);
        p->step = loop_ends(&p->k, p->n) ? STEP_C_WRITE : STEP_A;
        return ref;
    default:
        ref = element(p, c, 2, p->i, p->j, VM_WRITE);
        p->step = STEP_A;
        if (loop_ends(&p->j, p->n))
            loop_ends(&p->i, p->n);
        return ref;
    }
}

static struct workload_ref next_by_row(struct pattern *p, const struct workload_common *c)
{
    struct workload_ref ref;
    switch (p->step) {
    case STEP_A:
        p->step = STEP_B;
        return element(p, c, 0, p->i, p->k, VM_READ);
    case STEP_B:
        p->step = STEP_C_READ;
        return element(p, c, 1, p->k, p->j, VM_READ);
    case STEP_C_READ:
        p->step = STEP_C_WRITE;
        return element(p, c, 2, p->i, p->j, VM_READ);
    default:
        ref = element(p, c, 2, p->i, p->j, VM_WRITE);
        p->step = STEP_B;
        if (loop_ends(&p->j, p->n)) {
            p->step = STEP_A;
            if (loop_ends(&p->k, p->n))
                loop_ends(&p->i, p->n);
        }
        return ref;
    }
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    return p->order == ORDER_COLUMN ? next_by_column(p, c) : next_by_row(p, c);
}

#define WORKLOAD_OPS     vm_workload_matmul
#define WORKLOAD_NAME    "matmul"
#define WORKLOAD_SUMMARY "a product of matrices, along or across the rows of B"
#include "trace/workload_template.inc.h"
