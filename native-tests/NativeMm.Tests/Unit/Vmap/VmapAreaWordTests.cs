using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed class VmapAreaWordTests
{
    private static readonly ulong[] s_generations = [0, 1, 77, (1UL << 56) - 1];

    [Fact]
    public void A_step_of_the_owner_needs_a_busy_range_that_he_does_not_hold()
    {
        foreach (VmapAreaWord word in All())
        {
            foreach (VmapAreaStep step in Enum.GetValues<VmapAreaStep>())
            {
                Assert.Equal(word.State == VmapAreaState.Busy && !word.IsHeld, word.TryTake(step, out _));
            }
        }
    }

    [Fact]
    public void Each_step_changes_what_it_is_for()
    {
        foreach (VmapAreaWord word in All().Where(word => word.State == VmapAreaState.Busy && !word.IsHeld))
        {
            Assert.True(word.TryTake(VmapAreaStep.End, out VmapAreaWord ended));
            AssertIs(ended, VmapAreaState.None, word.IsPoolable, isHeld: false, word.Generation);
            Assert.True(word.TryTake(VmapAreaStep.Hold, out VmapAreaWord held));
            AssertIs(held, VmapAreaState.Busy, word.IsPoolable, isHeld: true, word.Generation);
            Assert.True(word.TryTake(VmapAreaStep.Show, out VmapAreaWord shown));
            AssertIs(shown, VmapAreaState.Busy, isPoolable: false, isHeld: false, word.Generation);
            AssertIs(held.LetGo(poolable: true), VmapAreaState.Busy, isPoolable: true, isHeld: false, word.Generation);
            AssertIs(held.LetGo(poolable: false), VmapAreaState.Busy, isPoolable: false, isHeld: false, word.Generation);
            AssertIs(held.To(VmapAreaState.None), VmapAreaState.None, word.IsPoolable, isHeld: false, word.Generation);
        }
    }

    [Fact]
    public void Only_a_new_owner_changes_the_generation_and_the_last_one_begins_anew()
    {
        foreach (VmapAreaWord word in All())
        {
            foreach (VmapAreaState state in Enum.GetValues<VmapAreaState>())
            {
                AssertIs(word.To(state), state, word.IsPoolable, isHeld: false, word.Generation);
            }

            ulong next = (word.Generation + 1) % (1UL << 56);
            AssertIs(word.ToNextOwner(poolable: true), VmapAreaState.Busy, isPoolable: true, isHeld: false, next);
            AssertIs(word.ToNextOwner(poolable: false), VmapAreaState.Busy, isPoolable: false, isHeld: false, next);
        }
    }

    [Fact]
    public void A_record_that_nobody_had_is_all_zero()
    {
        AssertIs(default, VmapAreaState.None, isPoolable: false, isHeld: false, 0);
        Assert.True(Enum.GetValues<VmapAreaState>().Length <= 8, "three bits");
    }

    [Fact]
    public void A_step_is_refused_once_another_owner_has_the_record()
    {
        VmapArea area = default;
        area.Word = default(VmapAreaWord).ToNextOwner(poolable: true).Value;
        VmapAreaWord first = area.ReadWord();
        Assert.True(area.TryStep(VmapAreaStep.Show, first, out _));

        // The same owner, with another word.
        Assert.True(area.TryStep(VmapAreaStep.End, first, out VmapAreaWord ended));
        Assert.Equal((ended, false), (area.ReadWord(), ended.IsPoolable));
        area.Word = ended.ToNextOwner(poolable: true).Value;
        VmapAreaWord second = area.ReadWord();
        foreach (VmapAreaStep step in Enum.GetValues<VmapAreaStep>())
        {
            Assert.False(area.TryStep(step, first, out _));
            Assert.Equal(second, area.ReadWord());
        }
    }

    private static IEnumerable<VmapAreaWord> All() =>
        from generation in s_generations
        from low in Enumerable.Range(0, 32)
        where (low & 7) < Enum.GetValues<VmapAreaState>().Length
        select new VmapAreaWord((generation << 8) | (uint)low);

    private static void AssertIs(VmapAreaWord word, VmapAreaState state, bool isPoolable, bool isHeld, ulong generation) =>
        Assert.Equal((state, isPoolable, isHeld, generation), (word.State, word.IsPoolable, word.IsHeld, word.Generation));
}
