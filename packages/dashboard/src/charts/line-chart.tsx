import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

export interface LineChartProps {
  readonly title: string;
  /** The last value, in words for everyone who does not see the line. */
  readonly now: string;
  /** Seconds, ascending. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly hue: number;
}

const HEIGHT_PX = 132;
/** The shortest stretch of time that a chart shows: a line that begins grows from the right. */
const SPAN_MIN_S = 180;
/** Steps between the labels of the time axis. */
const MINUTES_S = [60, 120, 300, 600];

/** One line over time. The canvas is redrawn for another width or colour scheme, and fed in place otherwise. */
export function LineChart({ title, now, times, values, hue }: LineChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const data = useRef<UPlot.AlignedData>([[], []]);
  data.current = [times as number[], values as number[]];

  useEffect(() => {
    const host = place.current;
    if (host === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsFor(host), data.current, host);
    };
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: host.clientWidth, height: HEIGHT_PX }));
    draw();
    scheme.addEventListener('change', draw);
    resized.observe(host);
    return () => {
      scheme.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => plot.current?.setData(data.current), [times, values]);

  return (
    <figure class="chart" data-chart={title}>
      <figcaption>
        {title}
        <span class="chart__now figures">{now}</span>
      </figcaption>
      <div class={`chart__place line-${hue}`} ref={place} role="img" aria-label={`${title} over time; now ${now}`} />
    </figure>
  );
}

function optionsFor(host: HTMLElement): UPlot.Options {
  const style = getComputedStyle(host);
  const line = style.color;
  const grid = { stroke: style.borderTopColor, width: 1 };
  const axis = { stroke: style.outlineColor, font: `11px ${style.fontFamily}`, grid, ticks: { show: false } };
  return {
    width: host.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: { x: { time: true, range: (_plot, min, max) => [Math.min(min, max - SPAN_MIN_S), max] }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 60, incrs: MINUTES_S, values: '{HH}:{mm}' },
      { ...axis, size: 36, space: 36, values: (_plot, splits) => splits.map((split) => (split >= 1_000 ? `${split / 1_000}k` : String(split))) },
    ],
    series: [{}, { stroke: line, width: 2, fill: style.backgroundColor, points: { show: false } }],
  };
}
