import "./navigator_language";
import { mount, type Component } from "svelte";

import { follow } from "./app.svelte";
import "./look.css";

/** Puts one window's view on its page and begins to follow what Rust tells. */
export function show(view: Component): void {
  const place = document.getElementById("app");
  if (place === null) throw new Error("the page has no #app");
  mount(view, { target: place });
  void follow();
}
