// Question: and beside Python that only decodes, finds, cuts and writes: no check of landmarks, no hashes, no measures,
// no journal? Ours does all of it here too, so that the ratio bounds the cost of everything beyond the crops.
import "./derive.bench.ts";
