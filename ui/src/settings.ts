import { show } from "./show";
import Settings from "./settings/Settings.svelte";

show(Settings);
