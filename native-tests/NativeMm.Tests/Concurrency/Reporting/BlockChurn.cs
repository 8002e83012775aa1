using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>Blocks of every order come and go.</summary>
/// <param name="frames">Where from.</param>
/// <param name="thread">Number of the thread, for the seed and the content.</param>
internal sealed unsafe class BlockChurn(IFrameAllocator frames, int thread) : IChurn
{
    private const int LiveMax = 6;

    private readonly Random _random = new(thread);
    private readonly List<(Pfn Frame, Order Order, LiveContent Content)> _live = [];
    private uint _stamp = (uint)(thread + 1) << 24;

    /// <inheritdoc/>
    public void Step()
    {
        if (_live.Count < LiveMax && _random.Next(2) == 0)
        {
            Allocate();
        }
        else if (_live.Count != 0)
        {
            Free(_random.Next(_live.Count));
        }
    }

    /// <inheritdoc/>
    public void End()
    {
        while (_live.Count != 0)
        {
            Free(_live.Count - 1);
        }
    }

    private void Allocate()
    {
        // Mostly such as are reported: small ones rest in a buddy's per-core lists.
        var order = new Order(_random.Next(24) == 0 ? Order.Huge.Value : _random.Next(4) == 0 ? _random.Next(4) : _random.Next(4, 7));
        FrameFlags flags = FrameFlags.NoReclaim | (_random.Next(2) == 0 ? FrameFlags.Zeroed : FrameFlags.None);
        if (frames.TryAllocate(order, flags, out Pfn frame, out bool knownZero))
        {
            var content = new LiveContent((nint)frames.Zone.AddressOf(frame), (int)order.Bytes, _stamp++);
            bool mustBeZero = knownZero || (flags & FrameFlags.Zeroed) != 0;
            Assert.False(
                mustBeZero && new Span<byte>((void*)content.Address, (int)order.Bytes).ContainsAnyExcept((byte)0),
                $"Frame {frame} of order {order} is not zero.");
            content.Write();
            _live.Add((frame, order, content));
        }
    }

    private void Free(int at)
    {
        (Pfn frame, Order order, LiveContent content) = _live[at];
        _live.RemoveAt(at);
        content.AssertUnchanged();
        frames.Free(frame, order);
    }
}
