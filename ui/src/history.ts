import { show } from "./show";
import History from "./history/History.svelte";

show(History);
