// What a dashboard is, by the types that Grafana publishes, as strictly as they allow: every field is
// one that Grafana knows, every word one that it has, also within the options of a panel.

import type * as grafana from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// In JSON an enumeration is the plain word or number.
type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;

// A query of the Prometheus data source, whose types are not among those published.
interface Target {
  refId: string;
  datasource: grafana.DataSourceRef;
  editorMode: 'code';
  expr: string;
  format: 'table' | 'time_series';
  instant: boolean;
  range: boolean;
  legendFormat: string;
}

type Base = Omit<grafana.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'>;
type Of<Kind extends string, Options, Custom> = Base & {
  type: Kind;
  options: Options;
  targets: Target[];
  fieldConfig: {
    defaults: Omit<grafana.FieldConfig, 'custom'> & { custom: Custom };
    overrides: grafana.FieldConfigSource['overrides'];
  };
};
type Nothing = Record<string, never>;

type Panel =
  | Of<'stat', stat.Options, Nothing>
  | Of<'bargauge', bargauge.Options, Nothing>
  | Of<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | Of<'state-timeline', timeline.Options, timeline.FieldConfig>
  | Of<'table', table.Options, table.FieldConfig>
  | (grafana.RowPanel & { gridPos: grafana.GridPos });

// What the Prometheus data source reads of an annotation stands beside what all of them have.
type Annotation = Omit<grafana.AnnotationQuery, 'target'> & {
  expr: string;
  step: string;
  target: { expr: string; interval: string; refId: string };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
};

export type Dashboard = Plain<
  Omit<grafana.Dashboard, 'panels' | 'annotations'> & {
    panels: Panel[];
    annotations: { list: Annotation[] };
  }
>;
