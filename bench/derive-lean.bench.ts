// Question: and beside Python that only decodes, finds, cuts and writes: no check of landmarks, no hashes, no measures, no journal?
// Ours does all of it here too, so that the ratio says what everything beyond the crops costs at most.
import "./derive.bench.ts";
