import { HEADERS } from './gate.ts';

/** The most streams open at a time. A browser keeps some open for pages that the user has left. */
const MOST_STREAMS = 16;

/** Returns what a view shows now, as JSON. Never throws. */
export type Read = () => Promise<string>;

/** Keeps open pages up to date with server-sent events. https://html.spec.whatwg.org/#server-sent-events */
export class Streams {
  readonly #ends = new Set<() => void>();

  /**
   * Returns a response that sends the blocks whenever they change. Returns undefined if too many streams are open.
   *
   * @param everyMs Milliseconds between two reads. Null: the blocks are sent once.
   */
  open(read: Read, everyMs: number | null): Response | undefined {
    if (this.#ends.size >= MOST_STREAMS) return undefined;
    const ends = this.#ends;
    const encoder = new TextEncoder();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOpen = true;
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        let shown = '';
        const send = (text: string) => controller.enqueue(encoder.encode(text));
        const look = async () => {
          // A client that has not read the previous blocks gets no more of them.
          if ((controller.desiredSize ?? 0) > 0) {
            const text = await read();
            if (!isOpen) return;
            // A comment keeps the connection in use, and shows whether someone is still there.
            send(text === shown ? ':\n\n' : `data: ${text}\n\n`);
            shown = text;
          }
          if (everyMs === null) send('event: once\ndata:\n\n');
          else timer = setTimeout(look, everyMs);
        };
        end = () => {
          if (!isOpen) return;
          isOpen = false;
          clearTimeout(timer);
          ends.delete(end);
          try {
            controller.close();
          } catch {
            // The client has closed the stream.
          }
        };
        ends.add(end);
        void look();
      },
      cancel: () => end(),
    });
    return new Response(body, { headers: { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' } });
  }

  endAll(): void {
    for (const end of [...this.#ends]) end();
  }
}
