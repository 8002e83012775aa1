using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>
/// Frames of the lock-free allocator that nobody writes to: what asks for zeros is told that it has them. So a space of any size can be full with no memory but its tables.
/// With nodes, a frame is freed under the lock of the node that its address belongs to, as in a kernel whose lists are per node.
/// </summary>
/// <param name="behind">Whose frames they are.</param>
/// <param name="nodes">How many nodes there are; 0 for no locks.</param>
internal sealed class UntouchedFrames(LockFreeFrameAllocator behind, int nodes) : IFrameAllocator
{
    private const FrameFlags Ignored = FrameFlags.Zeroed | FrameFlags.Populate;

    private readonly PaddedLock[] _locks = new PaddedLock[nodes];
    private readonly uint _framesOfNode = nodes == 0 ? uint.MaxValue : ((behind.Zone.FrameCount - 1) / (uint)nodes) + 1;

    /// <inheritdoc/>
    public FrameZone Zone => behind.Zone;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        bool found = behind.TryAllocate(order, flags & ~Ignored, out frame, out _);
        knownZero = found;
        return found;
    }

    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames) => behind.AllocateBulk(order, flags & ~Ignored, frames);

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order)
    {
        if (nodes == 0)
        {
            behind.Free(frame, order);
            return;
        }

        ref PaddedLock node = ref _locks[frame.Value / _framesOfNode];
        node.Lock.Enter();
        behind.Free(frame, order);
        node.Lock.Exit();
    }

    /// <inheritdoc/>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        if (nodes == 0)
        {
            behind.FreeBulk(frames, order);
            return;
        }

        while (!frames.IsEmpty)
        {
            uint owner = frames[0].Value / _framesOfNode;
            int run = 1;
            while (run < frames.Length && frames[run].Value / _framesOfNode == owner)
            {
                run++;
            }

            ref PaddedLock node = ref _locks[owner];
            node.Lock.Enter();
            behind.FreeBulk(frames[..run], order);
            node.Lock.Exit();
            frames = frames[run..];
        }
    }

    /// <inheritdoc/>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => behind.Isolate(order, blocks, ref cursor);

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => behind.PutBack(blocks, order, content);

    /// <inheritdoc/>
    public ulong Drain() => behind.Drain();

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => behind.AddShrinker(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => behind.RemoveShrinker(shrinker);

    /// <inheritdoc/>
    public FrameStatistics GetStatistics() => behind.GetStatistics();

    /// <inheritdoc/>
    public void Validate() => behind.Validate();

    /// <inheritdoc/>
    public void Dispose() => behind.Dispose();

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 2 * CacheLine.Isolation)]
    private struct PaddedLock
    {
        [System.Runtime.InteropServices.FieldOffset(0)]
        public SpinLock<NoLockStatistics> Lock;
    }
}
