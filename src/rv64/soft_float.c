/* soft_float.c - unpack, an exact result, round once (soft_float.h). */
#include "rv64/soft_float.h"
#include "base/assert.h"

typedef unsigned __int128 wide;

const struct rv64_precision rv64_single = {23, 8};
const struct rv64_precision rv64_double = {52, 11};

/* --- bits --------------------------------------------------------------------------------- */

enum kind { ZERO, FINITE, INFINITE, QUIET, SIGNALLING };

/* FINITE: frac * 2^exp, the top bit of frac set. */
struct number {
    enum kind kind;
    bool negative;
    int exp;
    uint64_t frac;
};

static uint64_t frac_mask(const struct rv64_precision *p)
{
    return (UINT64_C(1) << p->frac_bits) - 1;
}
static uint64_t exp_max(const struct rv64_precision *p)
{
    return (UINT64_C(1) << p->exp_bits) - 1;
}
static uint64_t sign_bit(const struct rv64_precision *p)
{
    return UINT64_C(1) << (p->frac_bits + p->exp_bits);
}
/* The exponent of the least normal number. */
static int exp_least(const struct rv64_precision *p)
{
    return 2 - (1 << (p->exp_bits - 1));
}
static uint64_t signed_bits(const struct rv64_precision *p, bool negative, uint64_t magnitude)
{
    return magnitude | (negative ? sign_bit(p) : 0);
}
static uint64_t infinity(const struct rv64_precision *p)
{
    return exp_max(p) << p->frac_bits;
}
static uint64_t canonical_nan(const struct rv64_precision *p)
{
    return infinity(p) | UINT64_C(1) << (p->frac_bits - 1);
}

static struct number unpack(const struct rv64_precision *p, uint64_t bits)
{
    uint64_t frac = bits & frac_mask(p), exp = bits >> p->frac_bits & exp_max(p);
    struct number n = {.negative = bits & sign_bit(p)};
    if (exp == exp_max(p)) {
        bool quiet = frac >> (p->frac_bits - 1);
        n.kind = !frac ? INFINITE : quiet ? QUIET : SIGNALLING;
        return n;
    }
    if (!exp && !frac)
        return n;
    if (exp)
        frac |= frac_mask(p) + 1;
    int shift = __builtin_clzll(frac);
    n.kind = FINITE;
    n.frac = frac << shift;
    n.exp = exp_least(p) + (exp ? (int)exp - 1 : 0) - (int)p->frac_bits - shift;
    return n;
}

static bool is_nan(struct number n)
{
    return n.kind >= QUIET;
}

/* The result where an operand is NaN, or where there is none. */
static uint64_t nan_of(struct rv64_soft *s, bool invalid)
{
    s->flags |= invalid ? RV64_NV : 0;
    return canonical_nan(s->precision);
}

static bool signals(struct number n)
{
    return n.kind == SIGNALLING;
}

/* --- rounding ----------------------------------------------------------------------------- */

/* frac * 2^exp, where the last bit of frac is also set if the exact value has more below it. */
struct exact {
    bool negative;
    int exp;
    wide frac;
};

static wide shift_right_sticky(wide frac, unsigned n)
{
    if (!n)
        return frac;
    if (n > 127)
        return frac != 0;
    return frac >> n | ((frac & (((wide)1 << n) - 1)) != 0);
}

/* Does a value whose part below the last place is `rest`, in units of 2^-64 of it, round away from
 * zero? */
static bool rounds_up(enum rv64_rounding mode, bool negative, bool odd, wide rest, wide half)
{
    switch (mode) {
    case RV64_RNE:
        return rest > half || (rest == half && odd);
    case RV64_RMM:
        return rest >= half;
    case RV64_RDN:
        return rest && negative;
    case RV64_RUP:
        return rest && !negative;
    default:
        return false;
    }
}

/* frac / 2^n as an integer, 1 <= n <= 127. */
static wide round_off(const struct rv64_soft *s, bool negative, wide frac, unsigned n,
                      bool *inexact)
{
    wide kept = frac >> n, rest = frac & (((wide)1 << n) - 1), half = (wide)1 << (n - 1);
    *inexact = rest;
    return kept + rounds_up(s->mode, negative, kept & 1, rest, half);
}

static uint64_t overflow(struct rv64_soft *s, bool negative)
{
    const struct rv64_precision *p = s->precision;
    bool to_infinity = s->mode == RV64_RNE || s->mode == RV64_RMM ||
                       (s->mode == RV64_RUP && !negative) || (s->mode == RV64_RDN && negative);
    s->flags |= RV64_OF | RV64_NX;
    return signed_bits(p, negative, infinity(p) - !to_infinity);
}

static int top_bit(wide frac)
{
    uint64_t high = (uint64_t)(frac >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)frac);
}

/* The value rounded to the precision and packed; frac is not 0. */
static uint64_t round_pack(struct rv64_soft *s, struct exact v)
{
    const struct rv64_precision *p = s->precision;
    int top = top_bit(v.frac), exp = v.exp + top, least = exp_least(p);
    wide frac = v.frac << (126 - top < 0 ? 0 : 126 - top);
    if (top == 127)
        frac = shift_right_sticky(v.frac, 1);
    /* frac is in [2^126, 2^127) and stands for a number in [2^exp, 2^(exp + 1)). */
    unsigned drop = 126 - p->frac_bits;
    bool inexact, tiny = false;
    if (exp < least) {
        wide normal = round_off(s, v.negative, frac, drop, &inexact);
        tiny = exp < least - 1 || !(normal >> (p->frac_bits + 1));
        frac = shift_right_sticky(frac, (unsigned)(least - exp));
        exp = least;
    }
    uint64_t rounded = (uint64_t)round_off(s, v.negative, frac, drop, &inexact);
    if (exp - least >= (int)exp_max(p) - 1)
        return overflow(s, v.negative);
    /* A normal number's leading bit adds one to the exponent. */
    uint64_t bits = ((uint64_t)(exp - least) << p->frac_bits) + rounded;
    if (bits >= infinity(p))
        return overflow(s, v.negative);
    s->flags |= (inexact ? RV64_NX : 0) | (inexact && tiny ? RV64_UF : 0);
    return signed_bits(p, v.negative, bits);
}

/* --- arithmetic --------------------------------------------------------------------------- */

static struct exact exact_of(struct number n)
{
    return (struct exact){n.negative, n.exp, n.frac};
}

/* Moved up until the top bit is 125, so that a sum has room; exact, for operands have at most 106
 * bits that are not 0. */
static struct exact exact_raise(struct exact v)
{
    int shift = 125 - top_bit(v.frac);
    v.frac = shift < 0 ? shift_right_sticky(v.frac, (unsigned)-shift) : v.frac << shift;
    v.exp -= shift;
    return v;
}

/* A sum of 0 that is exact has the sign of both, or that of the rounding mode. */
static uint64_t zero_sum(const struct rv64_soft *s, bool a_negative, bool b_negative)
{
    bool negative = a_negative == b_negative ? a_negative : s->mode == RV64_RDN;
    return signed_bits(s->precision, negative, 0);
}

/* Both are not 0. */
static uint64_t sum(struct rv64_soft *s, struct exact a, struct exact b)
{
    a = exact_raise(a);
    b = exact_raise(b);
    struct exact high = a.exp >= b.exp ? a : b, low = a.exp >= b.exp ? b : a;
    low.frac = shift_right_sticky(low.frac, (unsigned)(high.exp - low.exp));
    if (high.negative == low.negative) {
        high.frac += low.frac;
    } else if (high.frac >= low.frac) {
        high.frac -= low.frac;
    } else {
        high.frac = low.frac - high.frac;
        high.negative = low.negative;
    }
    return high.frac ? round_pack(s, high) : zero_sum(s, a.negative, b.negative);
}

/* a + b, of which an `exact` stands for a product in fma; finite or infinite. */
static uint64_t add_numbers(struct rv64_soft *s, enum kind a_kind, struct exact a, struct number b)
{
    const struct rv64_precision *p = s->precision;
    if (a_kind == INFINITE || b.kind == INFINITE) {
        if (a_kind == b.kind && a.negative != b.negative)
            return nan_of(s, true);
        return signed_bits(p, a_kind == INFINITE ? a.negative : b.negative, infinity(p));
    }
    if (a_kind == ZERO && b.kind == ZERO)
        return zero_sum(s, a.negative, b.negative);
    if (a_kind == ZERO)
        return round_pack(s, exact_of(b));
    if (b.kind == ZERO)
        return round_pack(s, a);
    return sum(s, a, exact_of(b));
}

uint64_t rv64_soft_add(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits)
{
    struct number a = unpack(s->precision, a_bits), b = unpack(s->precision, b_bits);
    if (is_nan(a) || is_nan(b))
        return nan_of(s, signals(a) || signals(b));
    return add_numbers(s, a.kind, exact_of(a), b);
}

/* Of a product: 0 * infinity is NaN. */
static enum kind product_kind(struct number a, struct number b)
{
    if (is_nan(a) || is_nan(b))
        return signals(a) || signals(b) ? SIGNALLING : QUIET;
    if (a.kind == INFINITE || b.kind == INFINITE)
        return a.kind == ZERO || b.kind == ZERO ? SIGNALLING : INFINITE;
    return a.kind == ZERO || b.kind == ZERO ? ZERO : FINITE;
}

static struct exact product(struct number a, struct number b)
{
    return (struct exact){a.negative != b.negative, a.exp + b.exp, (wide)a.frac * b.frac};
}

uint64_t rv64_soft_mul(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits)
{
    const struct rv64_precision *p = s->precision;
    struct number a = unpack(p, a_bits), b = unpack(p, b_bits);
    enum kind kind = product_kind(a, b);
    if (kind >= QUIET)
        return nan_of(s, kind == SIGNALLING);
    if (kind == FINITE)
        return round_pack(s, product(a, b));
    return signed_bits(p, a.negative != b.negative, kind == INFINITE ? infinity(p) : 0);
}

uint64_t rv64_soft_fma(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits, uint64_t c_bits)
{
    const struct rv64_precision *p = s->precision;
    struct number a = unpack(p, a_bits), b = unpack(p, b_bits), c = unpack(p, c_bits);
    enum kind kind = product_kind(a, b);
    if (kind >= QUIET || is_nan(c))
        return nan_of(s, kind == SIGNALLING || signals(c));
    return add_numbers(s, kind, product(a, b), c);
}

uint64_t rv64_soft_div(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits)
{
    const struct rv64_precision *p = s->precision;
    struct number a = unpack(p, a_bits), b = unpack(p, b_bits);
    bool negative = a.negative != b.negative;
    if (is_nan(a) || is_nan(b))
        return nan_of(s, signals(a) || signals(b));
    if (a.kind == b.kind && a.kind != FINITE)
        return nan_of(s, true);
    if (a.kind == ZERO || b.kind == INFINITE)
        return signed_bits(p, negative, 0);
    if (a.kind == INFINITE || b.kind == ZERO) {
        s->flags |= a.kind == FINITE ? RV64_DZ : 0;
        return signed_bits(p, negative, infinity(p));
    }
    wide dividend = (wide)a.frac << 64, quotient = dividend / b.frac;
    wide sticky = quotient * b.frac != dividend;
    return round_pack(s, (struct exact){negative, a.exp - b.exp - 65, quotient << 1 | sticky});
}

/* floor(sqrt(n)), a bit at a time. */
static uint64_t root(wide n)
{
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1) {
        uint64_t tried = r | bit;
        if ((wide)tried * tried <= n)
            r = tried;
    }
    return r;
}

uint64_t rv64_soft_sqrt(struct rv64_soft *s, uint64_t a_bits)
{
    const struct rv64_precision *p = s->precision;
    struct number a = unpack(p, a_bits);
    if (is_nan(a))
        return nan_of(s, signals(a));
    if (a.kind == ZERO)
        return a_bits;
    if (a.negative)
        return nan_of(s, true);
    if (a.kind == INFINITE)
        return infinity(p);
    unsigned shift = a.exp & 1 ? 63 : 64; /* an even exponent remains */
    wide square = (wide)a.frac << shift;
    wide r = root(square);
    return round_pack(
        s, (struct exact){false, (a.exp - (int)shift) / 2 - 1, r << 1 | (r * r != square)});
}

/* --- conversions -------------------------------------------------------------------------- */

uint64_t rv64_soft_convert(struct rv64_soft *s, const struct rv64_precision *from, uint64_t bits)
{
    const struct rv64_precision *p = s->precision;
    struct number a = unpack(from, bits);
    if (is_nan(a))
        return nan_of(s, signals(a));
    if (a.kind == FINITE)
        return round_pack(s, exact_of(a));
    return signed_bits(p, a.negative, a.kind == INFINITE ? infinity(p) : 0);
}

uint64_t rv64_soft_from_int(struct rv64_soft *s, uint64_t magnitude, bool negative)
{
    return magnitude ? round_pack(s, (struct exact){negative, 0, magnitude}) : 0;
}

/* The magnitude rounded to an integer, or *over: 64 bits cannot hold it. */
static uint64_t to_integer(const struct rv64_soft *s, struct number a, bool *over, bool *inexact)
{
    *over = a.exp > 0;
    *inexact = false;
    if (a.exp >= 0)
        return a.frac;
    wide frac = (wide)a.frac << 62;
    unsigned below = (unsigned)(62 - a.exp);
    if (below > 127)
        frac = shift_right_sticky(frac, below - 127);
    return (uint64_t)round_off(s, a.negative, frac, below > 127 ? 127 : below, inexact);
}

/* The magnitude as an integer of the given limits, the nearer limit and NV where it has none. */
static uint64_t to_limited(struct rv64_soft *s, uint64_t bits, uint64_t limit_negative,
                           uint64_t limit_positive, bool *negative)
{
    struct number a = unpack(s->precision, bits);
    bool over = is_nan(a) || a.kind == INFINITE, inexact = false;
    uint64_t integer = 0;
    if (a.kind == FINITE)
        integer = to_integer(s, a, &over, &inexact);
    *negative = a.negative && !is_nan(a);
    uint64_t limit = *negative ? limit_negative : limit_positive;
    if (over || integer > limit) {
        s->flags |= RV64_NV;
        return limit;
    }
    s->flags |= inexact ? RV64_NX : 0;
    return integer;
}

int64_t rv64_soft_to_int(struct rv64_soft *s, uint64_t bits, unsigned width)
{
    bool negative;
    uint64_t most = UINT64_C(1) << (width - 1);
    uint64_t magnitude = to_limited(s, bits, most, most - 1, &negative);
    return (int64_t)(negative ? -magnitude : magnitude);
}

uint64_t rv64_soft_to_uint(struct rv64_soft *s, uint64_t bits, unsigned width)
{
    bool negative;
    return to_limited(s, bits, 0, width == 64 ? UINT64_MAX : UINT32_MAX, &negative);
}

/* --- what does not round ------------------------------------------------------------------ */

uint64_t rv64_soft_negate(const struct rv64_precision *p, uint64_t bits)
{
    return bits ^ sign_bit(p);
}

/* -0 is less than +0. */
static bool less(const struct rv64_precision *p, uint64_t a, uint64_t b)
{
    bool a_negative = a & sign_bit(p), b_negative = b & sign_bit(p);
    if (a_negative != b_negative)
        return a_negative;
    return a_negative ? a > b : a < b;
}

/* Where an operand is NaN, the other is *chosen, or the canonical NaN if there is none. */
static bool choose_number(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits, uint64_t *chosen)
{
    struct number a = unpack(s->precision, a_bits), b = unpack(s->precision, b_bits);
    s->flags |= signals(a) || signals(b) ? RV64_NV : 0;
    if (!is_nan(a) && !is_nan(b))
        return false;
    *chosen = is_nan(a) ? b_bits : a_bits;
    if (is_nan(a) && is_nan(b))
        *chosen = canonical_nan(s->precision);
    return true;
}

uint64_t rv64_soft_min(struct rv64_soft *s, uint64_t a, uint64_t b)
{
    uint64_t chosen;
    if (choose_number(s, a, b, &chosen))
        return chosen;
    return less(s->precision, a, b) ? a : b;
}

uint64_t rv64_soft_max(struct rv64_soft *s, uint64_t a, uint64_t b)
{
    uint64_t chosen;
    if (choose_number(s, a, b, &chosen))
        return chosen;
    return less(s->precision, a, b) ? b : a;
}

/* Both are numbers; else NV, where `invalid` says so of a quiet NaN too. */
static bool ordered(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits, bool invalid)
{
    struct number a = unpack(s->precision, a_bits), b = unpack(s->precision, b_bits);
    bool nan = is_nan(a) || is_nan(b);
    s->flags |= nan && (invalid || signals(a) || signals(b)) ? RV64_NV : 0;
    return !nan;
}

/* As numbers: both zeros are one. */
static bool same(const struct rv64_precision *p, uint64_t a, uint64_t b)
{
    return a == b || !((a | b) & ~sign_bit(p));
}

bool rv64_soft_equal(struct rv64_soft *s, uint64_t a, uint64_t b)
{
    return ordered(s, a, b, false) && same(s->precision, a, b);
}

bool rv64_soft_less(struct rv64_soft *s, uint64_t a, uint64_t b)
{
    return ordered(s, a, b, true) && !same(s->precision, a, b) && less(s->precision, a, b);
}

bool rv64_soft_less_equal(struct rv64_soft *s, uint64_t a, uint64_t b)
{
    return ordered(s, a, b, true) && (same(s->precision, a, b) || less(s->precision, a, b));
}

unsigned rv64_soft_class(const struct rv64_precision *p, uint64_t bits)
{
    struct number a = unpack(p, bits);
    bool normal = bits >> p->frac_bits & exp_max(p);
    switch (a.kind) {
    case INFINITE:
        return a.negative ? 1 << 0 : 1 << 7;
    case FINITE:
        if (a.negative)
            return normal ? 1 << 1 : 1 << 2;
        return normal ? 1 << 6 : 1 << 5;
    case ZERO:
        return a.negative ? 1 << 3 : 1 << 4;
    case SIGNALLING:
        return 1 << 8;
    default:
        return 1 << 9;
    }
}
