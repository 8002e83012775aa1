using System.Buffers;

namespace NativeMm.Buffers;

/// <summary>One segment of a sequence over a large buffer. It asks the buffer each time, so it ends with the buffer.</summary>
internal sealed class NativeBufferSegment<T> : ReadOnlySequenceSegment<T>
    where T : unmanaged
{
    public NativeBufferSegment(NativeBuffer<T> buffer, long start, int length)
    {
        Memory = new Window(buffer, start, length).Memory;
        RunningIndex = start;
    }

    public NativeBufferSegment<T> Append(NativeBuffer<T> buffer, long start, int length)
    {
        var next = new NativeBufferSegment<T>(buffer, start, length);
        Next = next;
        return next;
    }

    private sealed unsafe class Window(NativeBuffer<T> buffer, long start, int length) : MemoryManager<T>
    {
        public override Span<T> GetSpan() => buffer.Slice(start, length);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
            return new MemoryHandle(buffer.Pointer + start + elementIndex, default, this);
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
