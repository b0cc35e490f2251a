/* assert.h - two prices of assertion.
 *
 * VM_ASSERT guards an invariant in every build, release too: it must cost next to nothing where it
 * stands. VM_EXPECT is for the inside of model loops and is compiled in by
 * -Dexpensive_checks=true (the sanitizer build sets it). Neither is for bad input: that is an
 * error.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <assert.h>

#define VM_ASSERT(condition) assert(condition)
#ifdef VM_EXPENSIVE_CHECKS
#define VM_EXPECT(condition) assert(condition)
#else
#define VM_EXPECT(condition) ((void)0)
#endif

#endif
