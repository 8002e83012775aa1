using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Tests.Faulty.Runtime;

/// <content>Frames, and who is registered with them.</content>
internal sealed unsafe partial class GiveBackVerbs
{
    private static FrameZone Zone() => FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 32 << 20, out FrameZone? zone).Succeeded
        ? zone! : throw new OutOfMemoryException("No zone.");

    private BuddyFrameAllocator Buddy() => Own(new BuddyFrameAllocator(Own(Zone())));

    private static IFrameAllocator Used(IFrameAllocator frames)
    {
        FreeFrames(frames)();
        return frames;
    }

    private static Action FreeFrames(IFrameAllocator frames)
    {
        Pfn[] single = new Pfn[Many];
        Pfn[] bulk = new Pfn[Many];
        frames.AllocateBulk(Order.Zero, FrameFlags.None, bulk);
        for (int i = 0; i < single.Length; i++)
        {
            frames.TryAllocate(Order.Zero, FrameFlags.None, out single[i], out _);
        }

        frames.TryAllocateExact(11, FrameFlags.None, out Pfn run, out _);
        return () =>
        {
            foreach (Pfn frame in single)
            {
                frames.Free(frame, Order.Zero);
            }

            frames.FreeBulk(bulk, Order.Zero);
            frames.FreeExact(run, 11);
        };
    }

    private Action PutBack()
    {
        BuddyFrameAllocator frames = Buddy();
        FreeFrames(frames)();
        Pfn[] blocks = new Pfn[8];
        uint cursor = 0;
        int count = frames.Isolate(new Order(4), blocks, ref cursor);
        return () => frames.PutBack(blocks.AsSpan(0, count), new Order(4), FrameContent.Unknown);
    }

    private Action Drain()
    {
        CachedFrameAllocator frames = Own(new CachedFrameAllocator(Buddy()));
        FreeFrames(frames)();
        return () => frames.Drain();
    }

    private Action RemoveShrinkers()
    {
        BuddyFrameAllocator frames = Buddy();
        Nobody[] shrinkers = [.. Enumerable.Range(0, 20).Select(_ => new Nobody())];
        Array.ForEach(shrinkers, frames.AddShrinker);
        return () =>
        {
            foreach (Nobody shrinker in shrinkers)
            {
                frames.RemoveShrinker(shrinker);
            }
        };
    }

    private Action RemoveMigrators()
    {
        Nobody[] migrators = [.. Enumerable.Range(0, 20).Select(_ => new Nobody())];
        Array.ForEach(migrators, _runtime.Migration.Add);
        return () =>
        {
            foreach (Nobody migrator in migrators)
            {
                _runtime.Migration.Remove(migrator);
            }
        };
    }

    private Action Unregister()
    {
        PageReporter reporter = Own(new PageReporter(Buddy()));
        var device = new NullDevice();
        reporter.Register(device);
        return () => reporter.Unregister(device);
    }
}
