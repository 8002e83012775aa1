using NativeMm.Primitives;

namespace NativeMm.Tests.Model.Vmap;

/// <summary>A range that the program has.</summary>
internal sealed class ModelRange(nuint address, uint pages, uint guardPages, ModelKind kind)
{
    public nuint Address { get; set; } = address;

    public uint Pages { get; private set; } = pages;

    public uint GuardPages => guardPages;

    public ModelKind Kind => kind;

    public bool IsHuge { get; init; }

    /// <summary>The frames behind it, where the program knows them; then the marks are theirs.</summary>
    public Pfn[]? Frames { get; set; }

    /// <summary>The mark that each page shows, where the program does not know the frames.</summary>
    public ulong[] Marks { get; private set; } = new ulong[pages];

    /// <summary>Pages from the first on whose content the program knows; behind a range that shrank it does not.</summary>
    public uint Known { get; set; } = pages;

    public void Resize(uint pages)
    {
        ulong[] marks = Marks;
        Array.Resize(ref marks, (int)pages);
        (Marks, Pages) = (marks, pages);
    }
}
