// Question: and how does all of it compare with Python that only decodes frames and finds faces in them?
// The peer's time is what its libraries need at the least, whatever else a pipeline does and however well.
import "./derive.bench.ts";
