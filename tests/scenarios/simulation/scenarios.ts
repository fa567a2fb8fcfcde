/** What may happen to a swarm of very many hosts. */
import type { Receiver, Simulation } from "./simulation.ts";

/** One thing that may happen. */
interface Scenario {
  /** What it is, for the report. */
  readonly about: string;
  /** Whether hosts that count join others that have whole pieces. */
  readonly joinsOthers?: boolean;
  /** Plays it to the end. */
  play(simulation: Simulation): void;
}

/** Hosts find one another before the data is there, so that all begin at the same moment. */
const MEETING_MS = 2_500;
const SUBNETS = 20;
/** How long a flash crowd takes to arrive, in times of one copy: ten minutes. */
const ARRIVING = 30;

/** Adds the announcer, and the others by `addOthers`; the announcer begins to give once they have met. */
function meet(simulation: Simulation, addOthers: () => void): void {
  const announcer = simulation.add({ hasData: true });
  announcer.tracked.host.mute(true);
  addOthers();
  simulation.passMs(MEETING_MS);
  announcer.tracked.host.mute(false);
  for (const receiver of simulation.receivers) receiver.since = simulation.room.lan.now;
}

/** Adds so many hosts of the usual kind; returns them. */
function addUsual(simulation: Simulation, count: number): Receiver[] {
  return Array.from({ length: count }, () => simulation.add());
}

/** `count` of `all`, by chance. */
function some<Item>(simulation: Simulation, all: readonly Item[], count: number): Item[] {
  const lots = all.map((item) => ({ item, lot: simulation.random() }));
  return lots.sort((a, b) => a.lot - b.lot).slice(0, count).map(({ item }) => item);
}

const ALL: Readonly<Record<string, Scenario>> = {
  equal: {
    about: "Equal links",
    play(simulation) {
      meet(simulation, () => void addUsual(simulation, simulation.options.hosts));
      simulation.finish();
    },
  },
  stragglers: {
    about: "5 % of the hosts have a tenth of the rate; the others count",
    play(simulation) {
      const { hosts } = simulation.options;
      const slow = Math.ceil(hosts / 20);
      meet(simulation, () => {
        addUsual(simulation, hosts - slow);
        for (let host = 0; host < slow; host++) simulation.add({ share: 0.1, counts: false });
      });
      simulation.finish();
    },
  },
  freeRiders: {
    about: "30 % of the hosts give nothing; the others count",
    play(simulation) {
      const { hosts } = simulation.options;
      const riders = Math.round(0.3 * hosts);
      meet(simulation, () => {
        addUsual(simulation, hosts - riders);
        for (let host = 0; host < riders; host++) simulation.add({ isFreeRider: true, counts: false });
      });
      simulation.finish();
    },
  },
  storm: {
    joinsOthers: true,
    about: "Three of four hosts join within one second, half a copy after the others; they count",
    play(simulation) {
      const { hosts } = simulation.options;
      const early = Math.floor(hosts / 4);
      meet(simulation, () => {
        for (const receiver of addUsual(simulation, early)) receiver.counts = false;
      });
      simulation.pass(0.5);
      addUsual(simulation, hosts - early);
      simulation.finish();
    },
  },
  churn: {
    about: "10 % of the hosts leave, one after another; the others count",
    play(simulation) {
      meet(simulation, () => void addUsual(simulation, simulation.options.hosts));
      const others = simulation.receivers.slice(1);
      for (const leaver of some(simulation, others, Math.ceil(others.length / 10))) {
        leaver.counts = false;
        simulation.after(simulation.random(), () => leaver.tracked.kill());
      }
      simulation.finish();
    },
  },
  deadAnnouncer: {
    about: "The announcer is switched off at 0.3 copies; another host has the data",
    play(simulation) {
      meet(simulation, () => {
        simulation.add({ hasData: true });
        addUsual(simulation, simulation.options.hosts);
      });
      simulation.after(0.3, () => simulation.room.hosts[0].kill(true));
      simulation.finish();
    },
  },
  subnets: {
    about:
      `${SUBNETS} subnets, whose uplinks carry a tenth of what their hosts can send, but one link at least`,
    play(simulation) {
      const { options: { hosts }, room, rate } = simulation;
      room.lan.uplinks.rate = Math.max(hosts / SUBNETS / 10, 1) * rate;
      meet(simulation, () => {
        for (let host = 0; host < hosts; host++) simulation.add({ subnet: host % SUBNETS });
      });
      simulation.finish();
    },
  },
  flashCrowd: {
    joinsOthers: true,
    about: "Hosts arrive over ten minutes, and stay when they are done",
    play(simulation) {
      simulation.add({ hasData: true });
      for (let host = 0; host < simulation.options.hosts; host++) {
        simulation.after(simulation.random() * ARRIVING, () => simulation.add());
      }
      simulation.pass(ARRIVING);
      simulation.finish();
    },
  },
};

/** All scenarios by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(Object.entries(ALL));
