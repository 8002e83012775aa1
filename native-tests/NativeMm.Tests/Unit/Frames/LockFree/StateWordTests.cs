using System.Numerics;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Every transition of every state word, without threads.</summary>
public sealed class StateWordTests
{
    private static readonly uint[] s_granuleSets = [0, 1, 0x8000_0000, 0x0000_FFFF, 0xAAAA_AAAA, uint.MaxValue];

    [Fact]
    public void The_zero_word_is_a_fresh_child()
    {
        ChildWord fresh = default;
        Assert.True(fresh.IsEntirelyFree);
        Assert.Equal(512u, fresh.Free);
        Assert.Equal(0, fresh.FreeTouched);
        Assert.True(fresh.IsKnownZero(ChildWord.AllGranules));
    }

    [Fact]
    public void Taking_and_putting_back_change_the_count_alone_and_never_leave_its_range()
    {
        foreach (uint touched in s_granuleSets)
        {
            ChildWord start = default(ChildWord).Touch(touched);
            for (uint used = 0; used <= ChildWord.Frames; used++)
            {
                Assert.True(start.TryTake(used, out ChildWord word));
                for (uint frames = 0; frames <= ChildWord.Frames; frames++)
                {
                    Assert.Equal(used + frames <= ChildWord.Frames, word.TryTake(frames, out ChildWord more));
                    Assert.Equal(frames <= used, word.TryPut(frames, 0, out ChildWord less));
                    if (used + frames <= ChildWord.Frames)
                    {
                        Assert.Equal((used + frames, touched, ChildState.Frames), (more.Used, more.Touched, more.State));
                    }

                    if (frames <= used)
                    {
                        Assert.Equal((used - frames, touched, ChildState.Frames), (less.Used, less.Touched, less.State));
                    }
                }
            }
        }
    }

    [Fact]
    public void Frames_of_isolated_blocks_are_used_and_come_back_by_their_own_way_alone()
    {
        foreach (uint touched in s_granuleSets)
        {
            for (uint used = 0; used <= ChildWord.Frames; used += 8)
            {
                Assert.True(default(ChildWord).Touch(touched).TryTake(used, out ChildWord beside));
                for (uint frames = 1; frames <= 256; frames *= 2)
                {
                    Assert.Equal(used + frames <= ChildWord.Frames, beside.TryTakeIsolated(frames, out ChildWord word));
                    if (used + frames > ChildWord.Frames)
                    {
                        continue;
                    }

                    Assert.Equal((used + frames, frames, touched, ChildState.Frames), (word.Used, word.Isolated, word.Touched, word.State));
                    Assert.False(word.TryPut(1, 0, out _));
                    Assert.False(word.TryClaimWhole(ChildState.Huge, out _));
                    Assert.False(word.TryPutIsolated(frames + 1, 0, out _));
                    Assert.False(word.TryPutBeside(used + 1, 0, out _));
                    Assert.True(word.TryPutBeside(used, 0, out ChildWord alone));
                    Assert.Equal((frames, frames), (alone.Used, alone.Isolated));
                    Assert.True(word.TryPutIsolated(frames, 0, out ChildWord back));
                    Assert.Equal(beside, back);
                    Assert.True(word.TryForgetIsolated(frames, out ChildWord forgotten));
                    Assert.Equal((used + frames, 0u, touched), (forgotten.Used, forgotten.Isolated, forgotten.Touched));
                }
            }
        }
    }

    [Fact]
    public void Only_an_entirely_free_child_can_be_claimed_and_only_as_claimed_released()
    {
        ChildState[] whole = [ChildState.Huge, ChildState.MaxFirst, ChildState.MaxSecond];
        foreach (ChildState state in whole)
        {
            for (uint used = 1; used <= ChildWord.Frames; used++)
            {
                Assert.True(default(ChildWord).TryTake(used, out ChildWord inUse));
                Assert.False(inUse.TryClaimWhole(state, out _));
            }

            Assert.True(default(ChildWord).TryClaimWhole(state, out ChildWord claimed));
            Assert.Equal((ChildWord.Frames, state, ChildWord.AllGranules), (claimed.Used, claimed.State, claimed.Touched));
            Assert.False(claimed.TryTake(1, out _));
            Assert.False(claimed.TryPut(1, 0, out _));
            Assert.False(claimed.IsKnownZero(1));
            foreach (ChildState other in Enum.GetValues<ChildState>())
            {
                Assert.False(claimed.TryClaimWhole(other, out _));
                Assert.Equal(other == state, claimed.TryReleaseWhole(other, FrameContent.Unknown, out _));
            }

            AssertReleased(claimed, state, FrameContent.Unknown, ChildWord.AllGranules, knownZero: false);
            AssertReleased(claimed, state, FrameContent.Reported, 0, knownZero: false);
            AssertReleased(claimed, state, FrameContent.ReportedZero, 0, knownZero: true);
        }

        Assert.False(ChildWord.Absent.TryTake(1, out _));
        Assert.False(ChildWord.Absent.TryPut(1, 0, out _));
        Assert.False(ChildWord.Absent.TryClaimWhole(ChildState.Huge, out _));
    }

    [Fact]
    public void A_whole_child_becomes_frames_that_are_all_taken_and_nothing_else_does()
    {
        foreach (ChildState state in Enum.GetValues<ChildState>().Where(state => state is not (ChildState.Frames or ChildState.Absent)))
        {
            Assert.True(default(ChildWord).TryClaimWhole(state, out ChildWord claimed));
            Assert.Equal(state == ChildState.Huge, claimed.TrySplit(out ChildWord split));
            if (state == ChildState.Huge)
            {
                Assert.Equal((ChildState.Frames, ChildWord.Frames, 0u, ChildWord.AllGranules), (split.State, split.Used, split.Isolated, split.Touched));
                Assert.False(split.TryTake(1, out _));
                Assert.False(split.TryTakeIsolated(1, out _));
                Assert.True(split.TryPut(1, 1, out ChildWord less) && less.Used == ChildWord.Frames - 1);
                Assert.False(split.TryReleaseWhole(ChildState.Huge, FrameContent.Unknown, out _));
                Assert.False(split.TrySplit(out _));
            }
        }

        Assert.False(default(ChildWord).TrySplit(out _));
        Assert.False(ChildWord.Absent.TrySplit(out _));
        Assert.True(default(ChildWord).TryTake(ChildWord.Frames, out ChildWord full));
        Assert.False(full.TrySplit(out _));
    }

    [Fact]
    public void Zero_is_promised_only_while_every_untouched_granule_keeps_it()
    {
        foreach (uint touched in s_granuleSets)
        {
            foreach (uint reported in s_granuleSets)
            {
                ChildWord zero = default(ChildWord).Touch(touched).Report(reported, zero: true);
                Assert.Equal(touched & ~reported, zero.Touched);
                Assert.True(zero.IsUntouchedZero);

                ChildWord unknown = default(ChildWord).Touch(touched).Report(reported, zero: false);
                Assert.Equal(touched & ~reported, unknown.Touched);
                Assert.Equal(reported == 0, unknown.IsUntouchedZero);
                Assert.Equal(reported == 0 && (touched & 1) == 0, unknown.IsKnownZero(1));

                // One granule of unknown content spoils the promise for all, until none is left.
                ChildWord both = unknown.Report(reported, zero: true);
                Assert.Equal(reported == 0, both.IsUntouchedZero);
                Assert.True(both.Touch(ChildWord.AllGranules).IsUntouchedZero);
            }
        }
    }

    [Fact]
    public void Free_frames_in_touched_granules_are_those_that_are_not_in_untouched_ones()
    {
        foreach (uint touched in s_granuleSets)
        {
            ChildWord word = default(ChildWord).Touch(touched);
            Assert.Equal(16 * BitOperations.PopCount(touched), word.FreeTouched);
        }
    }

    [Fact]
    public void A_transition_in_memory_reports_what_it_replaced_or_what_refused_it()
    {
        ulong cell = 0;
        Assert.True(ChildWord.TryChange(ref cell, new ChildTransitions.Take(512), out ChildWord before));
        Assert.Equal(0u, before.Used);
        Assert.False(ChildWord.TryChange(ref cell, new ChildTransitions.Take(1), out ChildWord refused));
        Assert.Equal(512u, refused.Used);
        Assert.True(ChildWord.TryChange(ref cell, new ChildTransitions.Touch(3), out _));
        Assert.False(ChildWord.TryChange(ref cell, new ChildTransitions.Touch(1), out _));
        Assert.Equal(3u, new ChildWord(cell).Touched);
    }

    [Fact]
    public void Blocks_in_a_row_are_found_at_every_place_of_every_order()
    {
        for (int order = 0; order <= BitmapRow.OrderMax; order++)
        {
            ulong block = BitmapRow.BlockMask(order);
            Assert.Equal(1 << order, BitOperations.PopCount(block));
            Assert.Equal(0ul, BitmapRow.BlocksIn(0, order));
            for (int at = 0; at < BitmapRow.Frames; at += 1 << order)
            {
                Assert.Equal(1UL << at, BitmapRow.BlocksIn(block << at, order));
                for (int hole = at; hole < at + (1 << order); hole++)
                {
                    Assert.Equal(0ul, BitmapRow.BlocksIn((block << at) & ~(1UL << hole), order));
                }
            }

        }
    }

    [Fact]
    public void Rows_claim_what_is_free_and_release_what_is_taken_and_nothing_else()
    {
        ulong[] sets = [1, 0xFF, 0xF0F0, ulong.MaxValue, 1UL << 63];
        foreach (ulong taken in sets)
        {
            foreach (ulong frames in sets)
            {
                var row = new BitmapRow(taken);
                Assert.Equal((taken & frames) == 0, row.TryClaim(frames, out BitmapRow claimed));
                Assert.Equal(taken | frames, claimed.Taken);
                Assert.Equal((taken & frames) == frames, row.TryRelease(frames, out BitmapRow released));
                Assert.Equal(taken & ~frames, released.Taken);
            }
        }
    }

    [Fact]
    public void Granules_of_a_row_and_their_frames_translate_into_each_other()
    {
        for (uint granules = 0; granules < 16; granules++)
        {
            ulong frames = 0;
            for (int g = 0; g < 4; g++)
            {
                frames |= (granules >> g & 1) != 0 ? 0xFFFFUL << (16 * g) : 0;
            }

            Assert.Equal(frames, BitmapRow.FramesOf(granules));
            Assert.Equal(frames, BitmapRow.FramesOf(granules | 0xFFFF_FFF0));
            Assert.Equal(granules, BitmapRow.GranulesOf(frames));
        }

        Assert.Equal(0b1001u, BitmapRow.GranulesOf(1 | 1UL << 63));
    }

    [Fact]
    public void A_tree_has_one_reserver_at_a_time()
    {
        foreach (TreeKind kind in Enum.GetValues<TreeKind>())
        {
            Assert.True(default(TreeWord).TryReserve(kind, out TreeWord reserved));
            Assert.Equal((true, kind), (reserved.IsReserved, reserved.Kind));
            Assert.False(reserved.TryReserve(kind, out _));
            Assert.True(reserved.TryRelease(out TreeWord released));
            Assert.Equal((false, kind), (released.IsReserved, released.Kind));
            Assert.False(released.TryRelease(out _));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(524287u)]
    public void A_reservation_names_its_tree_and_whether_it_owns_it(uint tree)
    {
        Assert.Equal((true, true, tree), Parts(ReservationWord.For(tree, owner: true)));
        Assert.Equal((true, false, tree), Parts(ReservationWord.For(tree, owner: false)));
        Assert.False(default(ReservationWord).HasTree);
        Assert.False(default(ReservationWord).IsOwner);

        static (bool HasTree, bool IsOwner, uint Tree) Parts(ReservationWord word) => (word.HasTree, word.IsOwner, word.Tree);
    }

    [Fact]
    public void A_buddy_word_keeps_its_parts_apart_and_is_freed_once_with_its_own_order()
    {
        foreach (BlockState state in Enum.GetValues<BlockState>())
        {
            foreach (BlockKind kind in Enum.GetValues<BlockKind>())
            {
                foreach (FrameContent content in Enum.GetValues<FrameContent>())
                {
                    for (int order = 0; order <= Order.MaxValue; order++)
                    {
                        var word = BuddyWord.For(state, order, kind, content);
                        Assert.Equal((state, order, kind, content), (word.State, word.Order, word.Kind, word.Content));
                        Assert.Equal(state == BlockState.Free, word.IsFree(order));
                        Assert.False(word.IsFree(order + 1));
                        Assert.False(word.TryFree(order + 1, out _));
                        Assert.Equal(state == BlockState.Allocated, word.TryFree(order, out BuddyWord freed));
                        Assert.Equal((BlockState.PerCore, order, kind), (freed.State, freed.Order, freed.Kind));
                    }
                }
            }
        }
    }

    private static void AssertReleased(ChildWord claimed, ChildState state, FrameContent content, uint touched, bool knownZero)
    {
        Assert.True(claimed.TryReleaseWhole(state, content, out ChildWord free));
        Assert.True(free.IsEntirelyFree);
        Assert.Equal(touched, free.Touched);
        Assert.Equal(knownZero, free.IsKnownZero(ChildWord.AllGranules));
    }
}
