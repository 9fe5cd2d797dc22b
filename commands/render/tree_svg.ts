/** Trees drawn as SVG: leaves side by side, parents above the middle of their children. Pure. */

export interface Shape {
  readonly text: string;
  readonly state: string;
  readonly color: string;
  readonly children: readonly Shape[];
}

/** Distances, in pixels. */
const COLUMN = 64, ROW = 72, RADIUS = 16, MARGIN = 32;

interface Placed {
  readonly shape: Shape;
  readonly x: number;
  readonly y: number;
  readonly children: readonly Placed[];
}

export function treeSvg(tops: readonly Shape[]): string {
  let leaves = 0, deepest = 0;
  const place = (shape: Shape, depth: number): Placed => {
    deepest = Math.max(deepest, depth);
    const children = shape.children.map((child) => place(child, depth + 1));
    const x = children.length === 0 ? MARGIN + leaves++ * COLUMN : (children[0]!.x + children.at(-1)!.x) / 2;
    return { shape, x, y: MARGIN + depth * ROW, children };
  };
  const placed = tops.map((top) => place(top, 0));
  const lines: string[] = [], circles: string[] = [];
  const draw = ({ shape, x, y, children }: Placed): void => {
    for (const child of children) {
      lines.push(`<line x1="${x}" y1="${y}" x2="${child.x}" y2="${child.y}" stroke="black"/>`);
      draw(child);
    }
    circles.push(
      `<circle cx="${x}" cy="${y}" r="${RADIUS}" fill="${shape.color}" stroke="black"><title>${shape.state}</title></circle>`,
      `<text x="${x}" y="${y + 4}" font-family="sans-serif" font-size="11" text-anchor="middle">${
        escaped(shape.text)
      }</text>`,
    );
  };
  placed.forEach(draw);
  const width = 2 * MARGIN + Math.max(0, leaves - 1) * COLUMN, height = 2 * MARGIN + deepest * ROW;
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return [head, ...lines, ...circles, "</svg>"].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
