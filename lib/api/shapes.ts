/** The JSON of the interface as types for its readers. They come from the schema that makes and checks it. */
import type { InferInput, InferOutput } from "valibot";
import type * as answers from "./operations/answers.ts";
import type * as sharing from "./operations/sharing_answers.ts";
import type { ProcessChoices } from "./operations/bodies.ts";

/** The whole state. */
export type State = InferOutput<typeof answers.State>;
/** A torrent in the state. */
export type TorrentSummary = InferOutput<typeof answers.TorrentSummary>;
/** A torrent from near. */
export type TorrentDetails = InferOutput<typeof answers.TorrentDetails>;
/** The machines of a torrent in numbers. */
export type RoomView = InferOutput<typeof answers.Room>;
/** A machine that takes part in a torrent. */
export type HostView = InferOutput<typeof answers.Hosts>["hosts"][number];
/** What `peer doctor` found. */
export type Examination = InferOutput<typeof answers.Examination>;
/** A file of a torrent. */
export type FileView = InferOutput<typeof answers.Files>["files"][number];
/** A connected peer. */
export type PeerView = InferOutput<typeof answers.Peers>["peers"][number];
/** A tracker of a torrent. */
export type TrackerView = InferOutput<typeof answers.Trackers>["trackers"][number];
/** The pieces of a torrent. */
export type PiecesView = InferOutput<typeof answers.Pieces>;
/** A file or folder that is being shared. */
export type ShareView = InferOutput<typeof sharing.Shares>["shares"][number];
/** What is in a folder of the machine. */
export type FolderView = InferOutput<typeof sharing.FolderView>;
/** What hosts near by share. */
export type SharesFound = InferOutput<typeof sharing.SharesFound>;
/** The fleet that a home is a member of. */
export type FleetView = InferOutput<typeof answers.Fleet>;
/** What a lead of the fleet offers. */
export type OfferView = NonNullable<FleetView["fleet"]>["offers"][number];
/** An invitation to a fleet. */
export type InvitationView = InferOutput<typeof answers.Invitation>;
/** Choices to make: null goes back to the default, "none" is no limit. */
export type Choices = InferInput<typeof ProcessChoices>;
