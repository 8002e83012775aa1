namespace NativeMm.Frames;

/// <summary>Ties a thread to its stack of frames in one allocator. The stack's memory lives as long as the allocator.</summary>
/// <param name="allocator">Whose frames they are.</param>
/// <param name="thread">The only thread that pushes and pops.</param>
/// <param name="stack">The stack.</param>
internal sealed unsafe class FrameStackOwner(CachedFrameAllocator allocator, Thread thread, FrameStack* stack)
{
    public readonly CachedFrameAllocator Allocator = allocator;
    public readonly Thread Thread = thread;
    public readonly FrameStack* Stack = stack;
}
