// A line chart over time that follows the theme.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme } from '../session';

const HEIGHT = 140;
const SPAN_S = 120;

// Sizes are read in powers of 1024, so their axes have such steps.
const BINARY_STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i);

export type Unit = 'rate' | 'time' | 'size';

export interface Line {
  name: string;
  values: number[];
}

const clock = (at: number) => new Date(at * 1000).toLocaleTimeString('en-GB');

function options(width: number, lines: number, format: (n: number) => string, unit: Unit): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'), font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false },
  };
  const strokes = [colour('--accent'), colour('--second')];
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false }, padding: [8, 30, 0, 0],
    scales: {
      x: { range: (_, __, high) => { const end = high ?? Date.now() / 1000; return [end - SPAN_S, end]; } },
      y: { range: (_, __, high) => [0, high > 0 ? high * 1.15 : 1] },
    },
    axes: [
      { ...axis, size: 24, space: 80, values: (_, at) => at.map(clock), incrs: [30, 60] },
      { ...axis, size: 68, space: 30, values: (_, at) => at.map(format), ...(unit === 'size' ? { incrs: BINARY_STEPS } : {}) },
    ],
    series: [{}, ...strokes.slice(0, lines).map((stroke, i) => ({
      stroke, width: 2, fill: i === 0 ? stroke + '1f' : undefined, dash: i ? [5, 4] : undefined,
      // A line needs two points; one alone is drawn as itself.
      points: { show: (plot: uPlot) => plot.data[0].length < 2, size: 6, fill: stroke },
    }))],
  };
}

export function Chart(props: { title: string; times: number[]; lines: Line[]; unit: Unit; format: (n: number) => string }) {
  const { title, times, lines, format, unit } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const data = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;
  useEffect(() => {
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(box.current!.clientWidth, lines.length, format, unit), data, box.current!);
    };
    draw();
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: box.current!.clientWidth, height: HEIGHT }));
    resize.observe(box.current!);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => { resize.disconnect(); scheme.removeEventListener('change', draw); plot.current?.destroy(); };
  }, [theme.value, lines.length]);
  useEffect(() => plot.current?.setData(data), [times]);
  const now = lines.map((line) => line.values[line.values.length - 1]);
  const told = (i: number) => (now[i] === undefined ? '–' : format(now[i]));
  const first = lines[0].values.filter(Number.isFinite);
  const label = now[0] === undefined ? `${title}: no figure yet`
    : `${title}: ${told(0)} now, from ${format(Math.min(...first))} to ${format(Math.max(...first))} shown`;
  return (
    <figure class="chart">
      <figcaption><span>{title}</span>
        <span>{lines.map((line, i) => (
          <span class={`legend line-${i}`}>{lines.length > 1 ? <small>{line.name}</small> : null}<strong>{told(i)}</strong></span>
        ))}</span>
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={label} />
    </figure>
  );
}
