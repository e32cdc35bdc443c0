  //#if CLIP
  let raw = gradient[v] * clip[1];
  //#else
  let raw = gradient[v];
  //#end
