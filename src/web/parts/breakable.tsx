// ◇ Browser-safe. Long names, which may break after the parts of a tag or a path too; numbers may not.
import { Fragment } from "preact";

/** The text with places where it may break. */
export function Breakable({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(/(?<=[_/\\])|(?<=\.)(?!\d)/).map((part, i) => (
        <Fragment key={i}>
          {i === 0 ? null : <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}
