import type { Dice } from "./dice.ts";
import { NASTY_VALUES } from "./nasty.ts";

type Path = (string | number)[];

/** Every place in a JSON value, the value itself excepted. */
export function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = [...at, Array.isArray(value) ? Number(key) : key];
    return [place, ...placesIn(inner, place)];
  });
}

/** The same value with one place taken out. */
export function without(value: unknown, place: Path): unknown {
  return change(value, place, (holder, key) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else Reflect.deleteProperty(holder, key);
  });
}

/** The same value with one place replaced by something of every kind. */
export function* withNasty(value: unknown, place: Path, dice: Dice): Generator<unknown> {
  for (const kind of Object.values(NASTY_VALUES)) {
    const nasty = dice.of(kind);
    yield change(value, place, (holder, key) => Reflect.set(holder, key, nasty));
  }
}

function change(value: unknown, place: Path, act: (holder: object, key: string) => void): unknown {
  const copy: unknown = structuredClone(value);
  let holder = copy;
  for (const key of place.slice(0, -1)) holder = Reflect.get(Object(holder), key);
  if (typeof holder === "object" && holder !== null) act(holder, String(place.at(-1)));
  return copy;
}
