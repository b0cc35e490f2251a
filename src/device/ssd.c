/* ssd.c - a solid-state drive on SATA.
 *
 * Defaults: a consumer drive at queue depth 1, Samsung 850 EVO 1 TB (data sheet: random 4 KiB at
 * queue depth 1, 10,000 reads and 40,000 writes a second, that is 100 and 25 us; sequential 540
 * and 520 MB/s, which is what SATA at 6 Gb/s lets through). Writes end in the drive's memory.
 */
#define FLASH_OPS        vm_device_ssd
#define FLASH_NAME       "ssd"
#define FLASH_SUMMARY    "solid-state drive on SATA"
#define FLASH_READ_US    "100"
#define FLASH_WRITE_US   "25"
#define FLASH_READ_MBPS  "540"
#define FLASH_WRITE_MBPS "520"
#define FLASH_DEPTH      "32"
#include "device/flash_template.inc.h"
