using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A mirrored ring through which an endless row of bytes goes.</summary>
internal sealed class RingHolding(MirroredRingBuffer ring) : Holding
{
    private byte _nextWritten;
    private byte _nextRead;

    public static RingHolding Make(MemoryRuntime runtime, Owner owner, Chance chance)
    {
        owner.Kind = "mirrored ring";
        return new RingHolding(new MirroredRingBuffer(chance.Between(1, 1 << 16), runtime));
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        Span<byte> room = ring.GetWriteSpan();
        int count = chance.Below(room.Length + 1);
        foreach (ref byte place in room[..count])
        {
            place = _nextWritten++;
        }

        ring.Advance(count);
        Read(owner, chance.Below(ring.ReadableBytes + 1));
    }

    public override void End(Owner owner, Chance chance)
    {
        Read(owner, ring.ReadableBytes);
        ring.Dispose();
    }

    private void Read(Owner owner, int count)
    {
        foreach (byte found in ring.GetReadSpan()[..count])
        {
            byte expected = _nextRead++;
            if (found != expected)
            {
                throw new FindingException(owner.ToString(), 0, $"byte {expected} of the row", $"{found}");
            }
        }

        ring.Consume(count);
    }
}
