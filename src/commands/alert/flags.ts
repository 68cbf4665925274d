import { namedArg } from "../named.ts";

export const destinationArg = namedArg("destination");
