using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Architecture.AddressSpaces;

/// <summary>Sizes and offsets that lookups and lists of areas count on.</summary>
public sealed class AreaLayoutSizeTests
{
    [Fact]
    public void A_record_is_a_line_and_a_node_eight()
    {
        Assert.Equal(Vma.Bytes, Unsafe.SizeOf<Vma>());
        Assert.Equal(CacheLine.Bytes, Vma.Bytes);
        Assert.Equal(VmaNode.Bytes, Unsafe.SizeOf<VmaNode>());
        Assert.Equal(8, Unsafe.SizeOf<VmaState>());
    }

    [Fact]
    public void Records_and_nodes_are_linked_at_the_same_place()
    {
        Assert.Equal(LinkList.LinkOffset, FieldLayout.OffsetOf<Vma>(nameof(Vma.Next)));
        Assert.Equal(LinkList.LinkOffset, FieldLayout.OffsetOf<VmaNode>(nameof(VmaNode.Next)));
    }

    [Fact]
    public void The_columns_of_a_node_do_not_overlap()
    {
        int column = VmaNode.FanOut * sizeof(ulong);
        int first = FieldLayout.OffsetOf<VmaNode>(nameof(VmaNode.Starts));
        Assert.Equal(
            [first + column, first + (2 * column), first + (3 * column)],
            [
                FieldLayout.OffsetOf<VmaNode>(nameof(VmaNode.Ends)),
                FieldLayout.OffsetOf<VmaNode>(nameof(VmaNode.Gaps)),
                FieldLayout.OffsetOf<VmaNode>(nameof(VmaNode.Children)),
            ]);
        Assert.True(first + (4 * column) <= VmaNode.Bytes);
    }
}
