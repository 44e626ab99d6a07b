// Files that the build puts beside the page under names with their hash: what is imported is their address.
declare module "*?url" {
  const url: string;
  export = url;
}
