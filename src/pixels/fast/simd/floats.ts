// Bytes of a picture to the planes of 32-bit floats that a network takes.
// Source and reference: `planesPlain` of src/pixels/planes.ts. Invariant: bit for bit the same.

/** What each byte becomes: f32 [256] */
const VALUES = memory.data(4 * 256, 16);

@inline
function value(byte: u32): f32 {
  return load<f32>(VALUES + (byte << 2));
}

/**
 * Planes of a picture on a ground, each value times `scale` plus `offset`; the ground is `offset`.
 *
 * @param rgb - u8 [height, width, 3]
 * @param left - where it lies in the ground, as `top`
 * @param wide - of the ground, as `tall`
 * @param reversed - 1: the first plane is the blue one
 * @param out - f32 [3, tall, wide]; 12 bytes more may be overwritten
 */
export function toFloats(
  rgb: usize, width: usize, height: usize, left: usize, top: usize, wide: usize, tall: usize, reversed: usize,
  scale: f64, offset: f64, out: usize,
): void {
  for (let v: usize = 0; v < 256; v++) store<f32>(VALUES + (v << 2), <f32>(<f64>v * scale + offset));
  const plane = wide * tall * 4;
  if (width !== wide || height !== tall) {
    const ground = f32x4.splat(<f32>offset);
    for (let at = out; at < out + 3 * plane; at += 16) v128.store(at, ground);
  }
  const red = out + (reversed !== 0 ? 2 * plane : 0);
  const blue = out + (reversed !== 0 ? 0 : 2 * plane);
  for (let y: usize = 0; y < height; y++) {
    let at = ((top + y) * wide + left) * 4;
    const end = at + width * 4;
    for (; at < end; at += 4, rgb += 3) {
      store<f32>(red + at, value(load<u8>(rgb)));
      store<f32>(out + plane + at, value(load<u8>(rgb, 1)));
      store<f32>(blue + at, value(load<u8>(rgb, 2)));
    }
  }
}
