/** A column of numbers that grows: what must be kept to the end of a feed is kept in these, not in objects. */
export class NumberColumn<Values extends Float64Array | Int32Array = Float64Array> {
  #values: Values
  length = 0

  constructor(values: Values) {
    this.#values = values
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const Larger = this.#values.constructor as new (length: number) => Values
      const larger = new Larger(2 * this.#values.length)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length] = value
    this.length += 1
  }

  at(index: number): number {
    return this.#values[index] as number
  }

  set(index: number, value: number): void {
    this.#values[index] = value
  }
}

export const integers = () => new NumberColumn(new Int32Array(64))
export const numbers = () => new NumberColumn(new Float64Array(64))
