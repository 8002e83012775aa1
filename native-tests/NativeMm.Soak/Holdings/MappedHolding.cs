using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;
using NativeMm.Vmap;

namespace NativeMm.Soak.Holdings;

/// <summary>Two mapped buffers and, at times, a view of both, which goes before or after its parts.</summary>
internal sealed unsafe class MappedHolding : Holding
{
    private const int PagesMax = 24;
    private const int PageBytes = 4096;
    private readonly List<(MappedBuffer Buffer, Piece Piece)> _parts = [];
    private MappedBuffer? _view;

    public static MappedHolding Make(MemoryRuntime runtime, Owner owner, Chance chance)
    {
        owner.Kind = "mapped buffer";
        var holding = new MappedHolding();
        try
        {
            for (int i = 0; i < 2; i++)
            {
                VmapFlags flags = (chance.OneIn(4) ? VmapFlags.Zeroed : 0) | (chance.OneIn(8) ? VmapFlags.Guarded : 0);
                var buffer = new MappedBuffer(chance.Between(1, PagesMax) * PageBytes, flags, runtime);
                if ((flags & VmapFlags.Zeroed) != 0)
                {
                    Pattern.CheckZero(buffer.Pointer, (nuint)buffer.Length, $"{owner}, zeroed");
                }

                holding._parts.Add((buffer, Piece.Claim(owner, buffer.Pointer, (nuint)buffer.Length)));
            }

            holding._view = chance.OneIn(2) ? MappedBuffer.Concat(holding._parts[1].Buffer, holding._parts[0].Buffer) : null;
            return holding;
        }
        catch (OutOfMemoryException)
        {
            holding.End(owner, chance);
            throw;
        }
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        foreach ((_, Piece piece) in _parts)
        {
            piece.Check(owner, whole);
        }

        if (_view is not null)
        {
            int first = _parts[1].Buffer.Length;
            string who = $"view of a {owner}";
            Pattern.Check(_view.Pointer, (nuint)first, _parts[1].Piece.Stamp, whole, who);
            Pattern.Check(_view.Pointer + first, (nuint)_parts[0].Buffer.Length, _parts[0].Piece.Stamp, whole, who);
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        if (_view is not null && chance.OneIn(2))
        {
            ((IDisposable)_view).Dispose();
            _view = null;
        }

        foreach ((MappedBuffer buffer, Piece piece) in _parts)
        {
            piece.Yield(owner);
            buffer.Dispose();
        }

        if (_view is not null)
        {
            int first = _parts[1].Buffer is { } last ? (int)_parts[1].Piece.Bytes : 0;
            Pattern.Check(_view.Pointer, (nuint)first, _parts[1].Piece.Stamp, whole: true, $"view that outlives its parts, of a {owner}");
            _view.Dispose();
        }
    }
}
