/* csr.c - the control and status registers of user mode: floating-point state, and counters. */
#include "rv64/float.h"

enum { FLAGS = 0x1f, MODE = 7, MODE_AT = 5 };

uint64_t rv64_csr_read(struct vm_rv64 *hart, unsigned csr, uint64_t retired)
{
    rv64_flags_take(hart);
    switch (csr) {
    case RV64_FFLAGS:
        return hart->fflags;
    case RV64_FRM:
        return hart->frm;
    case RV64_FCSR:
        return (uint64_t)hart->frm << MODE_AT | hart->fflags;
    case RV64_TIME:
        return hart->time_ns;
    default: /* a cycle is an instruction */
        return hart->instret + retired;
    }
}

void rv64_csr_write(struct vm_rv64 *hart, unsigned csr, uint64_t value)
{
    rv64_flags_drop(); /* every write is preceded by a read, which has taken them */
    if (csr != RV64_FRM)
        hart->fflags = value & FLAGS;
    if (csr != RV64_FFLAGS)
        hart->frm = (csr == RV64_FRM ? value : value >> MODE_AT) & MODE;
}
