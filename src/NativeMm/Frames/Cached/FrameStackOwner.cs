using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>Ties a thread to its stack of frames in one allocator. The stack's memory lives as long as the allocator.</summary>
/// <param name="allocator">Whose frames they are.</param>
/// <param name="thread">The only thread that pushes and pops.</param>
/// <param name="stack">The stack.</param>
internal sealed unsafe class FrameStackOwner(CachedFrameAllocator allocator, Thread thread, FrameStack* stack)
{
    // Null once the thread is no more and its stack was given away: code that still runs on it finds that it has none. Owner: whoever holds the
    // registry's lock.
    public CachedFrameAllocator? Allocator = allocator;
    public readonly Thread Thread = thread;
    public readonly FrameStack* Stack = stack;

    // Owner: whoever holds the registry's lock.
    public FrameStackOwner? Next;

    // Owner: whoever holds the registry's lock. Whether the theft under way, or the last one, meant this stack.
    public bool IsRobbed;

    // Owner: whoever holds the stack's guard, from the beginning of a theft to its end.
    public MagazineTheft Theft;
}
