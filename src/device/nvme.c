/* nvme.c - a solid-state drive on NVMe.
 *
 * Defaults: measured, O_DIRECT on ext4, Linux 6.18, a virtual machine's drive. Queue depth 1, 4
 * KiB: a read 71 us (median), 9.0 k writes a second, that is 111 us. Bandwidth: the best of a large
 * transfer, 1389 MB/s reading (256 KiB, queue depth 4) and 1797 MB/s writing (1 MiB, queue depth
 * 4).
 */
#define FLASH_OPS        vm_device_nvme
#define FLASH_NAME       "nvme"
#define FLASH_SUMMARY    "solid-state drive on NVMe"
#define FLASH_READ_US    "71"
#define FLASH_WRITE_US   "111"
#define FLASH_READ_MBPS  "1389"
#define FLASH_WRITE_MBPS "1797"
#define FLASH_DEPTH      "64"
#include "device/flash_template.inc.h"
