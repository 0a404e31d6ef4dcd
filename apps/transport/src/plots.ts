/** What the figures of the pages share. */

import { draw as plainDraw } from "app-frame/plot";

export function draw(options: Parameters<typeof plainDraw>[0]): string {
  return plainDraw({
    width: 560,
    height: 340,
    marginTop: 28,
    marginBottom: 44,
    marginLeft: 56,
    grid: true,
    ...options,
  });
}
