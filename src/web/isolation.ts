// ◇ Browser-safe. Why a page may not share memory among threads, in words for people: for the page and for its threads.

/** What nobody knows a better reason for. */
export const NO_HEADERS = "this server sends no headers that let a page share memory among threads";
