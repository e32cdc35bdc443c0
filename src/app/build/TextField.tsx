import { useId, useState } from 'react';

interface TextFieldProps {
  id?: string;
  /** Where no label names it. */
  label?: string;
  value: string;
  placeholder?: string;
  /** What may stand there in place of numbers. */
  words?: readonly string[];
  refusal: (text: string) => string | null;
  maxLength?: number;
  onChange: (text: string) => void;
}

/** A text that counts on Enter or on leaving; what is refused stays, with the reason. */
export function TextField({
  id: given,
  label,
  value,
  placeholder,
  words = [],
  refusal,
  maxLength,
  onChange,
}: TextFieldProps) {
  const own = useId();
  const id = given ?? own;
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? value;
  const reason = typed === null ? null : refusal(typed);
  const leave = () => {
    if (typed !== null && reason === null) {
      if (typed !== value) onChange(typed);
      setTyped(null);
    }
  };
  return (
    <>
      <input
        id={id}
        aria-label={label}
        className="build-text"
        type="text"
        autoComplete="off"
        spellCheck={false}
        list={words.length > 0 ? `${id}-words` : undefined}
        placeholder={placeholder}
        maxLength={maxLength}
        aria-invalid={reason !== null}
        aria-describedby={reason === null ? undefined : `${id}-reason`}
        value={text}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={leave}
        onKeyDown={(event) => {
          if (event.key === 'Enter') leave();
          else if (event.key === 'Escape') setTyped(null);
        }}
      />
      {words.length > 0 && (
        <datalist id={`${id}-words`}>
          {words.map((word) => (
            <option key={word} value={word} />
          ))}
        </datalist>
      )}
      {reason !== null && (
        <output id={`${id}-reason`} className="build-refused">
          {reason}
        </output>
      )}
    </>
  );
}
