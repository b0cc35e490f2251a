/* chart.h - pictures of numbers: one description, drawn as text, SVG, PNG or HTML, and its data.
 *
 * A chart is a plain value that points to its maker's arrays: series of points over two axes, or a
 * heat map. Nobody draws but report/; makers only say what there is to see.
 */
#ifndef PAGODA_CHART_H
#define PAGODA_CHART_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum vm_scale { VM_SCALE_LINEAR, VM_SCALE_LOG };
enum vm_series_style {
    VM_SERIES_LINE,
    VM_SERIES_STEPS, /* y holds from its x to the next */
    VM_SERIES_POINTS,
    VM_SERIES_BARS,
};
enum vm_axis_unit {
    VM_AXIS_PLAIN,
    VM_AXIS_BYTES, /* ticks as 64 KiB, 1 MiB */
    VM_AXIS_RATIO, /* of 1: ticks in per cent */
    VM_AXIS_NS,    /* ticks as ns, us, ms, s */
};

struct vm_axis {
    const char *label; /* "memory" */
    enum vm_axis_unit unit;
    enum vm_scale scale; /* logarithmic: points at or below 0 are left out */
};

struct vm_series {
    const char *name; /* for the key: "lru" */
    enum vm_series_style style;
    size_t n;
    const double *x, *y; /* [n], x ascending; a y that is no number (NAN) is a gap */
};

/* Cells in rows from the lowest y up, each from the lowest x on; 0 is empty. */
struct vm_heat {
    size_t columns, rows;
    double x_first, x_end, y_first, y_end; /* what the cells span */
    const double *cell;                    /* [rows * columns] */
    const char *label;                     /* of a cell's number: "touches" */
};

struct vm_chart {
    const char *name;  /* a word for file names and JSON: "miss_ratio" */
    const char *title; /* a line above it */
    const char *note;  /* a line below it: how it was made; NULL: none */
    struct vm_axis x, y;
    size_t nseries;
    const struct vm_series *series; /* [nseries] */
    const struct vm_heat *heat;     /* instead of series; NULL: none */
    const char *about;              /* a paragraph: what there is to see; NULL: none */
};

#endif
