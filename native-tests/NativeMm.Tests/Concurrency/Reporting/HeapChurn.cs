using NativeMm.Heap;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>Objects of many sizes come and go in a heap, and whole blocks of 2 MiB under it, in which slabs were and will be.</summary>
/// <param name="runtime">Whose heap and frames.</param>
/// <param name="thread">Number of the thread, for the seed and the content.</param>
internal sealed unsafe class HeapChurn(MemoryRuntime runtime, int thread) : IChurn
{
    private const int LiveMax = 32;

    private readonly NativeHeap _heap = runtime.Heap;
    private readonly BlockChurn _blocks = new(runtime.Frames, thread);
    private readonly Random _random = new(thread);
    private readonly List<LiveContent> _live = [];
    private uint _stamp = (uint)(thread + 1) << 28;

    /// <inheritdoc/>
    public void Step()
    {
        if (_random.Next(8) == 0)
        {
            _blocks.Step();
        }
        else if (_live.Count < LiveMax && _random.Next(2) == 0)
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
        _blocks.End();
        while (_live.Count != 0)
        {
            Free(_live.Count - 1);
        }
    }

    private void Allocate()
    {
        int bytes = 16 << _random.Next(14);
        bool zeroed = _random.Next(2) == 0;
        void* address = zeroed ? _heap.AllocZeroed((nuint)bytes) : _heap.Alloc((nuint)bytes);
        Assert.False(zeroed && new Span<byte>(address, bytes).ContainsAnyExcept((byte)0), $"{bytes} bytes at {(nint)address:x} are not zero.");
        var content = new LiveContent((nint)address, bytes, _stamp++);
        content.Write();
        _live.Add(content);
    }

    private void Free(int at)
    {
        LiveContent content = _live[at];
        _live.RemoveAt(at);
        content.AssertUnchanged();
        _heap.Free((void*)content.Address);
    }
}
