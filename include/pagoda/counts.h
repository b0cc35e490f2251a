/* counts.h - everything a machine counts, once, as a table.
 *
 * VM_COUNTS(X) rows are X(field, what it counts); the struct, the JSON report, the docs and the
 * tests are made from it. VM_COUNT_LAWS(L) rows are L(law): conservation laws over a finished run's
 * counts `c`, checked after every run in every build.
 */
#ifndef PAGODA_COUNTS_H
#define PAGODA_COUNTS_H

#include <stdint.h>

#define VM_COUNTS(X)                                                                               \
    X(refs, "references in the trace")                                                             \
    X(reads, "references that read")                                                               \
    X(writes, "references that write")                                                             \
    X(fetches, "references that fetch an instruction")                                             \
    X(crossings, "references that cross a page boundary, and so touch two pages")                  \
    X(touches, "page touches: references plus crossings; each is one translation")                 \
    X(tlb_hits, "touches that some TLB level answered")                                            \
    X(tlb_misses, "touches that no TLB level answered")                                            \
    X(tlb_upgrades, "TLB hits on an entry without the needed right or dirty bit: the table is "    \
                    "walked again")                                                                \
    X(miss_present, "TLB misses of pages that were present: the walk ended without a fault")       \
    X(touches_faulted, "touches for which the kernel was asked, in vain or not")                   \
    X(tlb_flushes, "whole-TLB flushes at a switch of address space")                               \
    X(shootdowns, "single pages removed from the TLBs")                                            \
    X(ipis, "interrupts to other processors, for them to remove pages from their TLBs")            \
    X(walks, "walks of a page table, repeated ones after a fault included")                        \
    X(walk_loads, "table words read by walks")                                                     \
    X(walk_stores, "table words written by walks (accessed and dirty bits)")                       \
    X(walk_skips,                                                                                  \
      "table words that walks did not read, for a walk cache or a TLB had what they lead to")      \
    X(walk_steps, "loads of walks that wait for another: loads of one step are made together")     \
    X(walk_waits, "of those steps, what is left where walks are under way at once")                \
    X(mark_stores, "table words written when TLB entries left: their referenced and dirty bits")   \
    X(mark_traps, "traps to the kernel to set a referenced or dirty bit")                          \
    X(nested_hits, "loads of a table in kernel memory whose page a TLB had: loads before saved")   \
    X(nested_misses, "loads of a table in kernel memory whose page no TLB had")                    \
    X(refills, "traps to refill the TLBs by software, those for a table's page included")          \
    X(invalid_traps, "touches that trapped again, as what the refill had put in was not valid")    \
    X(modified_traps,                                                                              \
      "writes that trapped, as the page was clean or not to be written (software)")                \
    X(prefetches, "translations fetched into the prefetch buffer")                                 \
    X(prefetch_hits, "of those, asked for in time: touches that the buffer answered")              \
    X(prefetch_loads, "table words read to prefetch")                                              \
    X(lines,                                                                                       \
      "lines that references ask the caches for: their touches, and one more for each line "       \
      "boundary crossed in a page")                                                                \
    X(table_lines, "table words that walks ask the caches for, or memory past them")               \
    X(memory_reads, "lines, and table words past the caches, read from memory")                    \
    X(memory_writes, "lines, and writes past the caches, written to memory")                       \
    X(faults, "page faults that were resolved; the sum of the next five rows")                     \
    X(demand_zero, "first touches of a page: a fresh frame, no transfer (minor)")                  \
    X(soft_faults, "the page was still in a frame: mapped again, no transfer (minor)")             \
    X(cow_breaks, "writes to a page shared copy-on-write: copied, or made writable (minor)")       \
    X(swap_ins, "pages read back from their swap slot (major)")                                    \
    X(file_ins, "clean pages that had been dropped, read again from their file (major)")           \
    X(violations, "touches outside every mapping (segmentation violations)")                       \
    X(denials, "touches that the mapping's protection forbids")                                    \
    X(oom_kills, "processes killed because memory and swap were full")                             \
    X(oom_pages, "pages that they had in memory")                                                  \
    X(oom_touches, "touches of processes that were killed: refused")                               \
    X(unnamed, "touches of addresses that the scheme cannot name: beyond its bits")                \
    X(evictions, "pages that replacement took out of memory")                                      \
    X(writebacks, "evictions of a dirty page: one write to the swap device")                       \
    X(clean_drops, "evictions of a clean page: no transfer")                                       \
    X(releases, "of the evictions, those of pages that the policy gave up while frames were free") \
    X(cleanings, "dirty pages written ahead of need: they stay, clean")                            \
    X(flush_wakes, "times that the flusher woke and looked for old dirty pages")                   \
    X(flushes, "of the cleanings, those of pages that the flusher found dirty for long")           \
    X(space_time,                                                                                  \
      "frames that held pages, summed over the touches (pages model): divided by touches, "        \
      "the mean resident set")                                                                     \
    X(queued, "dirty pages whose entries went, to be written together: written, or rescued")       \
    X(rescues, "soft faults of pages that waited to be written, or were being written")            \
    X(readaheads, "pages read ahead of being asked for")                                           \
    X(readahead_hits, "of those, touched while they were still there; part of soft_faults")        \
    X(prepages, "pages read with a suspended process that came back (mixes)")                      \
    X(prepage_hits, "of those, touched while they were still there; part of soft_faults")          \
    X(background_wakes, "times that fewer frames were free than the low watermark")                \
    X(background_evictions, "pages that left ahead of need, until the high watermark was met")     \
    X(direct_reclaims, "times that no frame was free, and the process evicted for itself")         \
    X(frame_waits, "times that it waited for a frame that was still being written")                \
    X(parks, "pages that the policy took the entries of, not the frame: the next touch is soft")   \
    X(shared_writes, "dirty pages of shared files written as their last mapping went")             \
    X(slow_reads, "pages read from the slow swap device, of all that were read")                   \
    X(slow_writes, "pages written to the slow swap device, of all that were written")              \
    X(page_copies, "pages zeroed or copied in memory")                                             \
    X(moves, "segments moved in memory, to grow or to make one hole of many")                      \
    X(moved_bytes, "bytes copied by moves")                                                        \
    X(compactions, "times that all segments were moved together")                                  \
    X(misfits, "times that no hole was long enough for a segment")                                 \
    X(fragmented, "misfits for which all holes together would have been enough")                   \
    X(table_faults, "walks that met a page of a table that was not in memory: read from swap")     \
    X(table_evictions, "of the evictions, those of pages of page tables")                          \
    X(table_reads, "pages of page tables that the kernel read from swap to carry out an event")    \
    X(table_writes, "of these, those that it changed and wrote back")                              \
    X(table_moved_bytes, "bytes of page tables copied because the table moved to grow")            \
    X(kernel_faults, "page faults of the kernel's own accesses to files: no touch, no walk")       \
    X(maps, "map events")                                                                          \
    X(file_maps, "map events that name a file which others map too")                               \
    X(unmaps, "unmap events")                                                                      \
    X(protects, "protect events")                                                                  \
    X(advises, "advise events")                                                                    \
    X(remaps, "pages whose mapping moved: their entries, and nothing else")                        \
    X(forks, "fork events")                                                                        \
    X(execs, "exec events")                                                                        \
    X(exits, "exit events")                                                                        \
    X(switches, "switches to another address space")                                               \
    X(frames_peak, "frames in use at most, tables included")                                       \
    X(table_frames_peak, "frames that page tables held at most")                                   \
    X(locked_peak, "frames with locked pages at most: no policy chooses them")                     \
    X(store_frames_peak, "frames that pages in swap slots held at most: compressed memory")        \
    X(slots_taken, "swap slots taken")                                                             \
    X(slots_freed, "swap slots given back")                                                        \
    X(slots_used, "swap slots in use at the end")                                                  \
    X(slots_peak, "swap slots in use at most")                                                     \
    X(colour_misses, "pages that got a frame of another colour, as none of theirs was free")       \
    X(huge_faults, "first touches that made a huge page at once; part of demand_zero")             \
    X(promotions, "huge pages made of base pages, in place or by copying")                         \
    X(huge_copies, "base pages copied into a huge page; part of page_copies")                      \
    X(demotions, "huge pages split into base pages")                                               \
    X(huge_freed, "frames that a split freed: base pages that were never touched")                 \
    X(huge_misses, "huge pages not made as no run of frames was free")                             \
    X(reservations, "runs of frames set aside for a huge page")                                    \
    X(reservation_breaks, "reservations given up before they were full")                           \
    X(huge_untouched, "base pages of huge pages never touched, at the end")                        \
    X(huge_untouched_peak, "base pages of huge pages never touched, at most")

struct vm_counts {
#define VM_COUNT_FIELD(field, what) uint64_t field; /* what */
    VM_COUNTS(VM_COUNT_FIELD)
#undef VM_COUNT_FIELD
};

#define VM_COUNT_LAWS(L)                                                                           \
    L(c->reads + c->writes + c->fetches == c->refs)                                                \
    L(c->refs + c->crossings == c->touches)                                                        \
    L(c->tlb_hits + c->tlb_misses == c->touches)                                                   \
    L(c->tlb_upgrades <= c->tlb_hits)                                                              \
    L(c->walks + c->kernel_faults ==                                                               \
      c->tlb_misses + c->tlb_upgrades + c->faults + c->mark_traps + c->table_faults)               \
    L(c->miss_present <= c->tlb_misses)                                                            \
    L(c->tlb_misses - c->miss_present <= c->touches_faulted)                                       \
    L(c->miss_present + c->touches_faulted <= c->touches)                                          \
    L(c->walk_waits <= c->walk_steps && c->walk_steps <= c->walk_loads)                            \
    L(c->nested_hits + c->nested_misses <= c->walks)                                               \
    L(c->refills == 0 || c->refills >= c->tlb_misses)                                              \
    L(c->invalid_traps <= c->tlb_misses && c->invalid_traps <= c->touches_faulted)                 \
    L(c->prefetch_hits <= c->prefetches && c->prefetch_hits <= c->tlb_hits)                        \
    L(c->lines == 0 ||                                                                             \
      c->lines >= c->touches - c->violations - c->denials - c->unnamed - c->oom_touches)           \
    L(c->table_lines <= c->walk_loads + c->walk_stores + c->prefetch_loads)                        \
    L(c->memory_reads <= c->lines + c->table_lines)                                                \
    L(c->demand_zero + c->soft_faults + c->cow_breaks + c->swap_ins + c->file_ins == c->faults)    \
    L(c->violations + c->denials + c->unnamed + c->oom_touches <= c->touches)                      \
    L(c->oom_touches == 0 || c->oom_kills > 0)                                                     \
    L(c->writebacks + c->clean_drops == c->evictions)                                              \
    L(c->readahead_hits <= c->readaheads && c->readahead_hits <= c->soft_faults)                   \
    L(c->prepage_hits <= c->prepages && c->prepage_hits <= c->soft_faults)                         \
    L(c->releases <= c->evictions)                                                                 \
    L(c->flushes <= c->cleanings && (c->flushes == 0 || c->flush_wakes > 0))                       \
    L(c->rescues <= c->soft_faults && c->rescues <= c->queued)                                     \
    L(c->frame_waits <= c->direct_reclaims + c->evictions)                                         \
    L(c->slow_reads <=                                                                             \
          c->swap_ins + c->readaheads + c->prepages + c->table_faults + c->table_reads ||          \
      c->oom_kills > 0)                                                                            \
    L(c->slow_writes <= c->writebacks + c->cleanings + c->table_writes)                            \
    L(c->slots_taken - c->slots_freed == c->slots_used)                                            \
    L(c->slots_used <= c->slots_peak && c->slots_peak <= c->slots_taken)                           \
    L(c->fragmented <= c->misfits)                                                                 \
    L(c->compactions <= c->fragmented)                                                             \
    L(c->moves <= c->moved_bytes)                                                                  \
    L(c->swap_ins == 0 || c->writebacks + c->cleanings > 0)                                        \
    L(c->swap_ins + c->file_ins <= c->evictions - c->table_evictions || c->forks > 0 ||            \
      c->file_maps > 0)                                                                            \
    L(c->table_evictions <= c->evictions)                                                          \
    L(c->table_faults <= c->table_evictions)                                                       \
    L(c->table_writes <= c->table_reads)                                                           \
    L(c->table_frames_peak <= c->frames_peak)                                                      \
    L(c->store_frames_peak <= c->frames_peak && c->store_frames_peak <= c->slots_peak)             \
    L(c->huge_faults <= c->demand_zero)                                                            \
    L(c->huge_copies <= c->page_copies)                                                            \
    L(c->demotions <= c->huge_faults + c->promotions)                                              \
    L(c->reservation_breaks <= c->reservations)                                                    \
    L(c->huge_untouched <= c->huge_untouched_peak)

#endif
