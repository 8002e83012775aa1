// Purpose      makes a copy of the compiled library that runs on the model: the same code, but that what touches memory order, threads, cores and the
//              clock calls the verbs of this program instead, and that around each atomic operation it says where in its source it is.
// Labels       the notes of the library call their orderings [A1], [S3] and so on, and each place carries its label in a comment at the end of the line.
//              The debug symbols say which line an instruction belongs to. A label holds for everything that its line calls, so a helper that does
//              the work for many labels (ChildWord.TryChange) acts under the label of its caller.
// Statics      thread statics become plain statics, which Machine.ThreadStatics exchanges along with the strands.
// Not touched  everything else: no source is copied, nothing in the product knows of the explorer.

using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;
using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Rewriting;

/// <summary>Rewrites the library for the model.</summary>
internal sealed class LibraryRewriter
{
    private readonly ModuleDefinition _module;
    private readonly SourceLabels _labels = new();
    private readonly SiteTable _sites = new();
    private readonly Substitutions _substitutions;
    private readonly MethodReference _enter;
    private readonly MethodReference _leave;
    private readonly PlainAccesses _accesses;
    private readonly List<string> _threadStatics = [];

    private LibraryRewriter(ModuleDefinition module)
    {
        _module = module;
        _substitutions = new Substitutions(module);
        _accesses = new PlainAccesses(module, _sites);
        _enter = module.ImportReference(typeof(Place).GetMethod(nameof(Place.Enter)));
        _leave = module.ImportReference(typeof(Place).GetMethod(nameof(Place.Leave)));
    }

    /// <summary>Reads a library, and writes its copy and what the copy's places mean.</summary>
    /// <param name="from">The compiled library; its symbols lie beside it.</param>
    /// <param name="to">The copy.</param>
    /// <param name="notes">A file for <see cref="Notes"/>.</param>
    public static void Rewrite(string from, string to, string notes)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(from));
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        var parameters = new ReaderParameters { ReadSymbols = true, AssemblyResolver = resolver };
        using ModuleDefinition module = ModuleDefinition.ReadModule(from, parameters);
        var rewriter = new LibraryRewriter(module);
        foreach (TypeDefinition type in module.GetAllTypes().ToArray())
        {
            rewriter.Rewrite(type);
        }

        module.Write(to);
        File.WriteAllLines(notes, [.. rewriter._threadStatics.Select(name => $"static\t{name}"), .. rewriter._sites.Lines]);
    }

    private static bool IsAtomic(MethodReference method) =>
        method.DeclaringType.FullName is "NativeMm.Primitives.Atomic" or "System.Threading.Volatile" or "System.Threading.Interlocked";

    private void Rewrite(TypeDefinition type)
    {
        foreach (FieldDefinition field in type.Fields)
        {
            CustomAttribute? threadStatic = field.CustomAttributes.FirstOrDefault(a => a.AttributeType.FullName == typeof(ThreadStaticAttribute).FullName);
            if (threadStatic is not null)
            {
                field.CustomAttributes.Remove(threadStatic);
                _threadStatics.Add($"{type.FullName.Replace('/', '+')}\t{field.Name}");
            }
        }

        foreach (MethodDefinition method in type.Methods.Where(method => method.HasBody))
        {
            if (_substitutions.BodyFor(method) is { } body)
            {
                method.Body = new MethodBody(method);
                ILProcessor il = method.Body.GetILProcessor();
                for (int i = 0; i < method.Parameters.Count; i++)
                {
                    il.Emit(OpCodes.Ldarg, method.Parameters[i]);
                }

                il.Emit(OpCodes.Call, body);
                il.Emit(OpCodes.Ret);
                continue;
            }

            if (type.FullName != "NativeMm.Primitives.Atomic")
            {
                Mark(method);
            }

            foreach (Instruction instruction in method.Body.Instructions)
            {
                if (instruction.Operand is MethodReference called && _substitutions.For(called) is { } substitute)
                {
                    instruction.OpCode = OpCodes.Call;
                    instruction.Operand = substitute;
                }
            }
        }
    }

    /// <summary>Puts the verbs around the calls of a method that lead to something atomic, and before its plain accesses.</summary>
    private void Mark(MethodDefinition method)
    {
        if (!method.DebugInformation.HasSequencePoints)
        {
            return;
        }

        method.Body.SimplifyMacros();
        VariableDefinition? before = null;
        ILProcessor il = method.Body.GetILProcessor();
        LineCursor? cursor = null;
        foreach (Instruction instruction in method.Body.Instructions.ToArray())
        {
            SequencePoint? point = method.DebugInformation.GetSequencePoint(instruction);
            if (point is { IsHidden: false })
            {
                cursor = new LineCursor(_labels, point);
            }

            if (cursor is null)
            {
                continue;
            }

            if (instruction.OpCode.Code is not (Code.Call or Code.Callvirt) || instruction.Operand is not MethodReference called)
            {
                _accesses.Mark(il, instruction, cursor);
                continue;
            }

            int line = cursor.Find(called);
            bool isOurs = called.DeclaringType.Scope == _module || called.Resolve()?.Module == _module;
            string label = cursor.LabelOf(line);
            if ((!IsAtomic(called) && !(label.Length != 0 && isOurs)) || instruction.Previous is { OpCode.OpCodeType: OpCodeType.Prefix })
            {
                continue;
            }

            if (before is null)
            {
                before = new VariableDefinition(_module.TypeSystem.Int32);
                method.Body.Variables.Add(before);
                method.Body.InitLocals = true;
            }

            Instructions.InsertBefore(
                il,
                instruction,
                [
                    Instruction.Create(OpCodes.Ldc_I4, _sites.NumberOf(cursor.File, line, label, cursor.TextOf(line))),
                    Instruction.Create(OpCodes.Call, _enter),
                    Instruction.Create(OpCodes.Stloc, before),
                ],
                Instruction.Create(OpCodes.Ldloc, before),
                Instruction.Create(OpCodes.Call, _leave));
        }

        method.Body.OptimizeMacros();
    }
}
