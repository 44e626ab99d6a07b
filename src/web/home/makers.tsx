// ◇ Browser-safe. What to type where nothing was found: commands that make something to look at.

const COMMANDS = [
  {
    command: "npx --no facehand demo",
    makes: "draws people and makes pairs, two runs and a report of them; minutes",
  },
  {
    command: "npx --no facehand data fetch derived-hagrid --out data/published",
    makes: "fetches the published pairs",
  },
  {
    command: "npx --no facehand derive --hagrid hagrid --gestures palm,stop,stop_inverted --out data/pairs",
    makes: "derives pairs of HaGRID's frames",
  },
] as const;

/** The empty state. */
export function Makers() {
  return (
    <section>
      <p>Nothing was found in the folders that are served. These commands make something:</p>
      <dl class="home-makers">
        {COMMANDS.map(({ command, makes }) => (
          <div key={command}>
            <dt>
              <code>{command}</code>
            </dt>
            <dd>{makes}</dd>
          </div>
        ))}
      </dl>
      <p>
        Then press <kbd>r</kbd>, or give the folder: <code>npx --no facehand serve data</code>
      </p>
    </section>
  );
}
