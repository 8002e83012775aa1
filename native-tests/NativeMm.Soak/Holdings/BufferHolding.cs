using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A native buffer, or what a writer wrote. A few are forgotten and left to their finalizers.</summary>
internal sealed unsafe class BufferHolding(NativeBuffer<byte> buffer) : Holding
{
    private const int ForgottenOneIn = 50;
    private Piece _piece;

    public static BufferHolding Make(NativeHeap heap, Owner owner, Chance chance)
    {
        owner.Kind = "native buffer";
        int length = Sizes.Any(chance);
        bool zeroed = chance.OneIn(4);
        return Take(new NativeBuffer<byte>(length, zeroed, 0, heap), zeroed, owner);
    }

    public static BufferHolding MakeByWriter(NativeHeap heap, Owner owner, Chance chance)
    {
        owner.Kind = "buffer of a writer";
        using var writer = new NativeBufferWriter<byte>(chance.Between(1, 5000), heap);
        ulong stamp = owner.NextStamp();
        int count = chance.Between(1, 20);
        for (int i = 0; i < count; i++)
        {
            int length = chance.Between(1, 3000);
            Pattern.Fill(writer.GetSpan(length)[..length], stamp + (ulong)i);
            Pattern.Check(writer.GetSpan(length)[..length], stamp + (ulong)i, owner.ToString());
            writer.Advance(length);
        }

        return Take(writer.ToOwner(), zeroed: false, owner);
    }

    public override void Check(Owner owner, bool whole, Chance chance) => _piece.Check(owner, whole);

    public override void End(Owner owner, Chance chance)
    {
        _piece.Yield(owner);
        if (chance.OneIn(ForgottenOneIn))
        {
            return;
        }

        ((IDisposable)buffer).Dispose();
    }

    private static BufferHolding Take(NativeBuffer<byte> buffer, bool zeroed, Owner owner)
    {
        if (zeroed)
        {
            Pattern.CheckZero(buffer.Pointer, (nuint)buffer.Length, $"{owner}, zeroed");
        }

        return new BufferHolding(buffer) { _piece = Piece.Claim(owner, buffer.Pointer, (nuint)buffer.Length) };
    }
}
